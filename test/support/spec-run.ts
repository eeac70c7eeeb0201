/** Runs a script of the official test suite with every module metered. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import wabt from 'wabt'
import { addedExports, meterModule, type MeterOptions } from '../../src/engine/compiler/metering/meter.ts'
import { PaddockError } from '../../src/shared/errors.ts'
import { exactCalls, matches, resultTypes, type ExactCall } from './spec-calls.ts'
import { api } from './webassembly-api.ts'
import type { Argument, Bits, Call, Command, Expected, ModuleToken, NumberType } from './spec-script.ts'

/** Caps that no module of the suite meets, so that results are those of the suite. */
const ample: MeterOptions = {
  memoryCap: (minimum) => (minimum > 65_536n ? minimum : 65_536n),
  maxTableElements: 10_000_000,
  maxMemories: 100,
  maxTables: 100_000,
  initialFuel: 1n << 60n,
}

export interface Tally {
  /** Valid modules that are metered, and valid afterwards. */
  metered: number
  /** Valid modules that are refused, by the reason given. */
  readonly refused: Map<string, number>
  /** Modules that this V8 does not take as they are. */
  notForThisEngine: number
  /** Invalid or malformed modules: refused here, or as invalid metered as before. */
  invalid: number
  /** Texts that are no module at all: there is nothing to meter. */
  unreadable: number
  /** Assertions by kind. */
  readonly checked: Map<string, number>
  /** Assertions on a module that is refused or not for this engine. */
  skipped: number
  readonly failures: string[]
}

export function emptyTally(): Tally {
  return {
    metered: 0,
    refused: new Map(),
    notForThisEngine: 0,
    invalid: 0,
    unreadable: 0,
    checked: new Map(),
    skipped: 0,
    failures: [],
  }
}

type Runner = () => readonly Bits[] | readonly unknown[]
/** A module that is not there. */
class Gone extends Error {}

export async function runScript(path: string, commands: readonly Command[], tally: Tally): Promise<void> {
  await new ScriptRun(path, commands, tally).run()
}

class ScriptRun {
  private readonly path: string
  private readonly commands: readonly Command[]
  private readonly tally: Tally
  private readonly instances = new Map<ModuleToken, WebAssembly.Exports>()
  private readonly linkage: WebAssembly.Imports = { spectest: spectest() }
  private readonly runners = new Map<Call, Runner>()
  private readonly externs = new Map<number, object>()

  constructor(path: string, commands: readonly Command[], tally: Tally) {
    this.path = path
    this.commands = commands
    this.tally = tally
  }

  async run(): Promise<void> {
    for (const [index, command] of this.commands.entries()) {
      try {
        await this.command(command)
      } catch (thrown) {
        if (thrown instanceof Gone) this.tally.skipped += 1
        else this.tally.failures.push(`${this.path} #${index} ${command.kind}: ${String(thrown)}`)
      }
    }
  }

  private async command(command: Command): Promise<void> {
    switch (command.kind) {
      case 'instantiate':
        await this.instantiate(command)
        break
      case 'register':
        this.linkage[command.name] = this.exportsOf(command.target) as Record<string, WebAssembly.ImportValue>
        break
      case 'invoke':
        await this.act(command.action)
        break
      case 'return':
        this.compare(await this.act(command.action), command.expected)
        this.check('return')
        break
      case 'trap':
        await this.throws(command.action, WebAssembly.RuntimeError, 'trap')
        break
      case 'exhaustion':
        await this.throws(command.action, RangeError, 'exhaustion')
        break
      case 'exception':
        await this.throws(command.action, api.Exception, 'exception')
        break
      case 'unlinkable':
        await this.throws(command.action, api.LinkError, 'unlinkable')
        break
      case 'invalid':
      case 'malformed':
        if (command.action.kind === 'instantiate') await this.staysInvalid(command.action)
    }
  }

  private check(kind: string): void {
    this.tally.checked.set(kind, (this.tally.checked.get(kind) ?? 0) + 1)
  }

  private async throws(action: ModuleToken | Call, type: new () => object, kind: string): Promise<void> {
    let thrown: unknown
    try {
      await this.act(action)
    } catch (error) {
      if (error instanceof Gone) throw error
      thrown = error
    }
    if (!(thrown instanceof type)) throw new Error(`${type.name} expected, not ${String(thrown)}`)
    this.check(kind)
  }

  private async act(action: ModuleToken | Call): Promise<readonly unknown[]> {
    if (action.kind === 'instantiate') {
      await this.instantiate(action)
      return []
    }
    const exports = this.exportsOf(action.target)
    if (action.args === undefined) return [(exports[action.name] as WebAssembly.Global).value]
    const runner = this.runners.get(action) ?? this.looseRunner(exports, action)
    return runner()
  }

  private exportsOf(target: ModuleToken | string): WebAssembly.Exports {
    const found = typeof target === 'string' ? this.linkage[target] : this.instances.get(target)
    if (found === undefined) throw new Gone()
    return found
  }

  private async instantiate(token: ModuleToken): Promise<void> {
    const original = await binaryOf(token.text)
    if (!WebAssembly.validate(original)) {
      this.tally.notForThisEngine += 1
      throw new Gone()
    }
    const bytes = this.meter(original)
    const module = new WebAssembly.Module(bytes)
    this.tally.metered += 1
    const before = api.Module.exports(new WebAssembly.Module(original)).map(({ name }) => name)
    const after = api.Module.exports(module).map(({ name }) => name)
    if (after.join('\n') !== [...before, ...addedExports].join('\n'))
      throw new Error('its exports have changed')
    const missing = api.Module.imports(module).some(
      (wanted) => this.linkage[wanted.module] === undefined && this.registersLater(wanted.module),
    )
    if (missing) throw new Gone()
    const { exports } = new WebAssembly.Instance(module, this.linkage)
    this.instances.set(token, exports)
    this.prepare(token, exports)
  }

  /** Whether the script gives a module this name, which is not there because it is refused. */
  private registersLater(name: string): boolean {
    return this.commands.some((command) => command.kind === 'register' && command.name === name)
  }

  private meter(original: Uint8Array): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(meterModule(original, ample).bytes)
    } catch (thrown) {
      if (!(thrown instanceof PaddockError)) throw thrown
      const reason = `${thrown.code}: ${String(thrown.details?.['what'])}`
      this.tally.refused.set(reason, (this.tally.refused.get(reason) ?? 0) + 1)
      throw new Gone()
    }
  }

  private async staysInvalid({ text }: ModuleToken): Promise<void> {
    const original = await parse(text).catch(() => undefined)
    if (original === undefined) {
      this.tally.unreadable += 1
      return
    }
    this.tally.invalid += 1
    if (WebAssembly.validate(original)) return // valid by a later version of the specification
    let bytes: Uint8Array
    try {
      bytes = meterModule(original, ample).bytes
    } catch (thrown) {
      if (!(thrown instanceof PaddockError)) throw thrown
      return
    }
    if (WebAssembly.validate(new Uint8Array(bytes))) throw new Error('metering makes it valid')
  }

  /** Makes ready all calls of this instance whose results are numbers or vectors. */
  private prepare(token: ModuleToken, exports: WebAssembly.Exports): void {
    const calls: Call[] = []
    const exact: ExactCall[] = []
    const known = new Map<string, readonly NumberType[] | undefined>()
    for (const command of this.commands) {
      if (!('action' in command) || command.action.kind !== 'call') continue
      const { action } = command
      if (action.target !== token || action.args === undefined || !action.args.every(isBits)) continue
      const { name, args } = action
      let results = command.kind === 'return' ? resultTypes(command.expected) : undefined
      if (results === undefined) {
        const key = `${name}>${args.map(({ type }) => type).join()}`
        if (!known.has(key)) known.set(key, guessResults(exports, name, args))
        results = known.get(key) as NumberType[] | undefined
      }
      if (results === undefined) continue
      calls.push(action)
      exact.push({ name, args, results })
    }
    if (calls.length === 0) return
    for (const [index, runner] of exactCalls(exports, exact).entries()) {
      const call = calls[index]
      if (call !== undefined) this.runners.set(call, runner)
    }
  }

  /** A call through JavaScript, for references. */
  private looseRunner(exports: WebAssembly.Exports, { name, args }: Call): Runner {
    return () => {
      const run = exports[name] as (...given: unknown[]) => unknown
      const result = run(...(args ?? []).map((argument) => this.loose(argument)))
      return result === undefined ? [] : Array.isArray(result) ? (result as unknown[]) : [result]
    }
  }

  private loose(argument: Argument): unknown {
    if ('ref' in argument) return argument.ref === 'null' ? null : this.extern(argument.number ?? 0)
    if (argument.type === 'i32') return Number(BigInt.asIntN(32, argument.bits))
    if (argument.type === 'i64') return BigInt.asIntN(64, argument.bits)
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, argument.bits, true)
    return argument.type === 'f32' ? view.getFloat32(0, true) : view.getFloat64(0, true)
  }

  private extern(number: number): object {
    const found = this.externs.get(number) ?? { number }
    this.externs.set(number, found)
    return found
  }

  private compare(results: readonly unknown[], expected: readonly Expected[]): void {
    if (results.length !== expected.length) throw new Error(`${results.length} results`)
    for (const [index, want] of expected.entries()) {
      const got = results[index]
      const same =
        'ref' in want
          ? want.ref === 'any' ||
            (want.ref === 'null' ? got === null : got === this.externs.get(want.number ?? 0))
          : typeof got === 'object' && got !== null
            ? matches(got as Bits, want)
            : 'type' in want && Object.is(got, this.loose(want))
      if (!same) throw new Error(`${shown(got)}, expected ${shown(want)}`)
    }
  }
}

/** wasm-tools refuses invisible characters in texts, which the suite has among its names; wabt does not. */
async function binaryOf(text: string): Promise<Uint8Array> {
  try {
    return await parse(text)
  } catch {
    const { parseWat } = await wabt()
    return parseWat('module', new TextEncoder().encode(text)).toBinary({}).buffer
  }
}

function isBits(argument: Argument): argument is Bits {
  return 'type' in argument
}

/** The result types of an export whose results the script does not show: the first that links. */
function guessResults(
  exports: WebAssembly.Exports,
  name: string,
  args: readonly Bits[],
): readonly NumberType[] | undefined {
  const candidates: NumberType[][] = [[], ['i32'], ['i64'], ['f32'], ['f64'], ['v128']]
  return candidates.find((results) => {
    try {
      exactCalls(exports, [{ name, args, results }])
      return true
    } catch {
      return false
    }
  })
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString(16) : part))
}

function spectest(): Record<string, WebAssembly.ImportValue> {
  const print = (): void => undefined
  const names = [
    'print',
    'print_i32',
    'print_i64',
    'print_i32_f32',
    'print_f64_f64',
    'print_f32',
    'print_f64',
  ]
  return {
    ...Object.fromEntries(names.map((name) => [name, print])),
    global_i32: new api.Global({ value: 'i32' }, 666),
    global_i64: new api.Global({ value: 'i64' }, 666n),
    global_f32: new api.Global({ value: 'f32' }, 666),
    global_f64: new api.Global({ value: 'f64' }, 666),
    table: new api.Table({ initial: 10, maximum: 20, element: 'anyfunc' }),
    memory: new api.Memory({ initial: 1, maximum: 2 }),
  }
}
