// From functions to the exports of the contract. Whatever they throw becomes an error of the contract.
import type {
  BackpressureSignal,
  OutputElement,
  ProcessResult,
  StreamElement,
} from 'torvyn:streaming/types@0.1.0'
import { Element, elementOf, type Output } from './element.ts'
import { describe, processErrorOf } from './failure.ts'
import { wellFormed } from '../guest/text.ts'

/** What every stage may have. State is kept in variables of the module: each instance has its own. */
export interface StageLife {
  /** Called once before anything else with the node's `config`; failing refuses the start of the flow. */
  init?(config: string): void
  /** Called once at the end, whatever happened before, unless the stage died. */
  teardown?(): void
}

export interface SourceDefinition extends StageLife {
  /** The next element, or null when there are no more, ever. `fail.unavailable` says that there is none just now. */
  pull(): Output | null
  /** Advice: a source that was told `pause` is not pulled before it is told `ready`. */
  notifyBackpressure?(signal: BackpressureSignal): void
}

export interface TransformDefinition extends StageLife {
  /** What becomes of an element; null drops it. */
  process(element: Element): Output | null
}

export interface FilterDefinition extends StageLife {
  /** Whether an element goes on. */
  evaluate(element: Element): boolean
}

export interface RouterDefinition extends StageLife {
  /** The port or ports by which an element leaves; none drops it. */
  route(element: Element): string | readonly string[]
}

export interface AggregatorDefinition extends StageLife {
  /** Takes an element in; an output goes on at once. */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- nothing returned is the usual case
  ingest(element: Element): Output | null | void
  /** What is left when the stream has ended. */
  flush?(): readonly Output[]
}

export interface SinkDefinition extends StageLife {
  /** `pause` asks for a while without elements. */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- nothing returned is the usual case
  push(element: Element): BackpressureSignal | void
  /** Called when the stream has ended; failing fails the flow. */
  complete?(): void
}

interface Lifecycle {
  init(config: string): void
  teardown(): void
}

/** A call whose failure has a place in its answer. */
function guarded<Arguments extends unknown[], Result>(
  run: (...values: Arguments) => Result,
): (...values: Arguments) => Result {
  return (...values) => {
    try {
      return run(...values)
    } catch (thrown) {
      const error: unknown = processErrorOf(thrown)
      throw error
    }
  }
}

/** A call whose failure has none: it is told in the log, for throwing would end the stage. */
function quiet<Arguments extends unknown[]>(
  name: string,
  run: (...values: Arguments) => void,
): (...values: Arguments) => void {
  return (...values) => {
    try {
      run(...values)
    } catch (thrown) {
      console.error(`${name}: ${describe(thrown)}`)
    }
  }
}

/** What the author's function answered, which may not be a promise. */
function atOnce<Result>(name: string, result: Result): Result {
  if (result instanceof Promise) throw new TypeError(`${name} must not be async.`)
  return result
}

function lifecycleOf(stage: StageLife): Lifecycle {
  return {
    init: guarded((config: string) => atOnce('init', stage.init?.(config))),
    teardown: quiet('teardown', () => stage.teardown?.()),
  }
}

/** Null for nothing; `undefined` is taken for a forgotten `return`. */
function given(name: string, output: Output | null | undefined): OutputElement | null {
  atOnce(name, output)
  if (output === undefined) throw new TypeError(`${name} returned nothing; null is nothing on purpose.`)
  return output === null ? null : elementOf(output)
}

/** `export const { source, lifecycle } = defineSource({ … })` */
export function defineSource(definition: SourceDefinition): {
  source: { pull(): OutputElement | null; notifyBackpressure(signal: BackpressureSignal): void }
  lifecycle: Lifecycle
} {
  return {
    source: {
      pull: guarded(() => given('pull', definition.pull())),
      notifyBackpressure: quiet('notifyBackpressure', (signal: BackpressureSignal) =>
        definition.notifyBackpressure?.(signal),
      ),
    },
    lifecycle: lifecycleOf(definition),
  }
}

/** `export const { processor, lifecycle } = defineTransform({ … })` */
export function defineTransform(definition: TransformDefinition): {
  processor: { process(input: StreamElement): ProcessResult }
  lifecycle: Lifecycle
} {
  return {
    processor: {
      process: guarded((input: StreamElement): ProcessResult => {
        const output = given('process', definition.process(new Element(input)))
        return output === null ? { tag: 'drop' } : { tag: 'emit', val: output }
      }),
    },
    lifecycle: lifecycleOf(definition),
  }
}

/** `export const { filter, lifecycle } = defineFilter({ … })` */
export function defineFilter(definition: FilterDefinition): {
  filter: { evaluate(element: StreamElement): boolean }
  lifecycle: Lifecycle
} {
  return {
    filter: {
      evaluate: guarded((element: StreamElement) => {
        const goesOn: unknown = atOnce('evaluate', definition.evaluate(new Element(element)))
        if (typeof goesOn !== 'boolean') throw new TypeError('evaluate must return true or false.')
        return goesOn
      }),
    },
    lifecycle: lifecycleOf(definition),
  }
}

/** `export const { router, lifecycle } = defineRouter({ … })` */
export function defineRouter(definition: RouterDefinition): {
  router: { route(element: StreamElement): string[] }
  lifecycle: Lifecycle
} {
  return {
    router: {
      route: guarded((element: StreamElement) => {
        const ports: unknown = atOnce('route', definition.route(new Element(element)))
        const list: unknown[] = Array.isArray(ports) ? ports : [ports]
        return list.map((port) => {
          if (typeof port !== 'string') throw new TypeError('route must return names of ports.')
          return wellFormed(port)
        })
      }),
    },
    lifecycle: lifecycleOf(definition),
  }
}

/** `export const { aggregator, lifecycle } = defineAggregator({ … })` */
export function defineAggregator(definition: AggregatorDefinition): {
  aggregator: { ingest(element: StreamElement): OutputElement | null; flush(): OutputElement[] }
  lifecycle: Lifecycle
} {
  return {
    aggregator: {
      ingest: guarded((element: StreamElement) => {
        return given('ingest', definition.ingest(new Element(element)) ?? null)
      }),
      flush: guarded(() => atOnce('flush', definition.flush?.() ?? []).map(elementOf)),
    },
    lifecycle: lifecycleOf(definition),
  }
}

/** `export const { sink, lifecycle } = defineSink({ … })` */
export function defineSink(definition: SinkDefinition): {
  sink: { push(element: StreamElement): BackpressureSignal; complete(): void }
  lifecycle: Lifecycle
} {
  return {
    sink: {
      push: guarded((element: StreamElement) => {
        const signal: unknown = atOnce('push', definition.push(new Element(element))) ?? 'ready'
        if (signal !== 'ready' && signal !== 'pause')
          throw new TypeError('push must return "ready" or "pause", or nothing.')
        return signal
      }),
      complete: guarded(() => atOnce('complete', definition.complete?.())),
    },
    lifecycle: lifecycleOf(definition),
  }
}
