/**
 * The main process's end of the IPC schema. One guard stands before every handler: who asks, how
 * large, how many arguments, which call, and does the input fit its schema (style 3, S11–S13).
 */
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { CallSpec, EventSpec, StreamSpec } from '../../shared/ipc/define.ts'
import { channels, maxRequestBytes, type Envelope } from '../../shared/ipc/envelope.ts'
import { ipcSchema, type PaddockEmitters, type PaddockHandlers } from '../../shared/ipc/schema.ts'
import { StreamHub } from './stream-hub.ts'

export interface IpcServerOptions {
  readonly ipcMain: IpcMain
  /** Whether the frame that asks is our own page. */
  readonly isTrusted: (event: IpcMainInvokeEvent) => boolean
  readonly handlers: PaddockHandlers
  /** Windows that get events. */
  readonly windows: () => readonly WebContents[]
  /** A fault of ours; the page only learns the code. */
  readonly onFault: (where: string, error: unknown) => void
}

type AnyHandler = (input: unknown, ...rest: unknown[]) => unknown
type Lookup = Readonly<Record<string, Readonly<Record<string, unknown>>>>

function member(table: Lookup, group: unknown, name: unknown): unknown {
  if (typeof group !== 'string' || typeof name !== 'string') return undefined
  if (!Object.hasOwn(table, group)) return undefined
  const members = table[group]
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined
}

/** Installs the guard and the handlers; answers the emitters and a disposer. */
export function serveIpc(options: IpcServerOptions): { emit: PaddockEmitters; dispose: () => void } {
  const { ipcMain, handlers, onFault } = options
  const streams = new StreamHub()

  const guard = (event: IpcMainInvokeEvent, args: readonly unknown[], arity: number): void => {
    if (!options.isTrusted(event))
      throw new PaddockError('ipc.forbidden', 'This frame may not talk to the engine.')
    if (args.length > arity) throw new PaddockError('ipc.invalid_input', 'Too many arguments.')
    if (approximateBytes(args) > maxRequestBytes)
      throw new PaddockError('ipc.invalid_input', 'The request is too large.')
  }

  const answer = async (work: () => Promise<unknown>, where: string): Promise<Envelope> => {
    try {
      return { ok: true, data: await work() }
    } catch (error) {
      if (!(error instanceof PaddockError)) onFault(where, error)
      // What was not raised on purpose may hold paths or values: the page learns only that it failed.
      return error instanceof PaddockError
        ? { ok: false, error: error.toReport() }
        : { ok: false, error: toErrorReport(new PaddockError('internal.bug', `${where} failed.`)) }
    }
  }

  ipcMain.handle(channels.call, (event, ...args: unknown[]) => {
    const [group, name, input] = args
    return answer(
      async () => {
        guard(event, args, 3)
        const spec = member(ipcSchema, group, name) as CallSpec | undefined
        const handler = member(handlers, group, name) as AnyHandler | undefined
        if (spec?.kind !== 'call' || handler === undefined) {
          throw new PaddockError('ipc.invalid_input', 'There is no such call.')
        }
        const parsed = spec.input.safeParse(input)
        if (!parsed.success) throw invalidInput(`${String(group)}.${String(name)}`, parsed.error.issues)
        return spec.output.parse(await withTimeout(Promise.resolve(handler(parsed.data)), spec.timeoutMs))
      },
      `${String(group)}.${String(name)}`,
    )
  })

  ipcMain.handle(channels.stream, (event, ...args: unknown[]) => {
    const [action, id, group, name, input] = args
    return answer(async () => {
      guard(event, args, 5)
      if (typeof id !== 'string' || id.length > 32)
        throw new PaddockError('ipc.invalid_input', 'Bad stream id.')
      if (action === 'close') {
        streams.close(event.sender, id)
        return undefined
      }
      const spec = member(ipcSchema, group, name) as StreamSpec | undefined
      const handler = member(handlers, group, name) as AnyHandler | undefined
      if (action !== 'open' || spec?.kind !== 'stream' || handler === undefined) {
        throw new PaddockError('ipc.invalid_input', 'There is no such stream.')
      }
      const parsed = spec.input.safeParse(input)
      if (!parsed.success) throw invalidInput(`${String(group)}.${String(name)}`, parsed.error.issues)
      streams.open(event.sender, id, (push) => handler(parsed.data, push) as () => void)
      return undefined
    }, 'stream')
  })

  return {
    emit: makeEmitters(options.windows),
    dispose() {
      ipcMain.removeHandler(channels.call)
      ipcMain.removeHandler(channels.stream)
      streams.dispose()
    },
  }
}

function makeEmitters(windows: () => readonly WebContents[]): PaddockEmitters {
  const emitters: Record<string, Record<string, (payload: unknown) => void>> = {}
  for (const [group, members] of Object.entries(ipcSchema)) {
    const functions: Record<string, (payload: unknown) => void> = {}
    for (const [name, spec] of Object.entries(members as Record<string, CallSpec | EventSpec | StreamSpec>)) {
      if (spec.kind !== 'event') continue
      functions[name] = (payload) => {
        for (const contents of windows()) {
          if (!contents.isDestroyed()) contents.send(channels.event, group, name, payload)
        }
      }
    }
    emitters[group] = functions
  }
  // Built from the very schema the type is derived from.
  return emitters as unknown as PaddockEmitters
}

function invalidInput(
  where: string,
  issues: readonly { path: PropertyKey[]; message: string }[],
): PaddockError {
  const [issue] = issues
  const at = issue === undefined || issue.path.length === 0 ? '' : ` at "${issue.path.map(String).join('.')}"`
  return new PaddockError(
    'ipc.invalid_input',
    `The input of ${where} does not fit its schema${at}: ${issue?.message ?? ''}.`,
  )
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(new PaddockError('ipc.timeout', `The engine did not answer within ${timeoutMs / 1000} s.`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A quick upper-bound walk: text and bytes count, structure counts a little, depth is bounded. */
function approximateBytes(value: unknown, depth = 0): number {
  if (depth > 16) return Number.POSITIVE_INFINITY
  if (typeof value === 'string') return value.length * 2
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value !== 'object' || value === null) return 8
  let total = 16
  for (const [key, entry] of Object.entries(value)) {
    total += key.length * 2 + approximateBytes(entry, depth + 1)
    if (total > maxRequestBytes) return total
  }
  return total
}
