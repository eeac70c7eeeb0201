/** A WASI 0.2 with nothing behind it: clock, randomness and printed lines are all a guest gets (spec nexum-host 2.2). */
import { deniedInterfaces } from './denied.ts'
import { PowerlessResource, trap } from './error-side.ts'
import { createVirtualHttp, type HttpBridge } from './http/virtual-http.ts'
import { LineSplitter } from './lines.ts'
import { createPoll, InputStream, IoError, OutputStream, Pollable } from './streams.ts'
import type { WasiClock } from './streams.ts'

export interface PrintedLine {
  readonly source: 'stdout' | 'stderr'
  readonly level: 'info' | 'warn'
  readonly message: string
}

export interface VirtualWasiOptions {
  /** Takes each printed line, without its end. */
  readonly log: (line: PrintedLine) => void
  /** Takes what is printed as it comes, in place of lines. */
  readonly print?: (source: PrintedLine['source'], bytes: Uint8Array) => void
  /** Called for every `exit`, must throw; a trap unless given. */
  readonly exit?: () => never
  readonly clock: WasiClock
  /** Exactly that many bytes (0 to 1 MiB) from a cryptographic source; throws if it fails. */
  readonly random: (length: number) => Uint8Array
  /** Without it every HTTP request is denied. */
  readonly http?: HttpBridge
}

/** More random bytes at once are refused, as `nexum:host/random` does (spec nexum-host 8.4). */
const maxRandomBytes = 1024n * 1024n

class TerminalInput extends PowerlessResource {}
class TerminalOutput extends PowerlessResource {}

const nanosecondsPerMillisecond = 1_000_000n
const maxInstant = (1n << 64n) - 1n

/**
 * The interfaces of WASI 0.2 as generated glue asks for them: by name without version, so that one object serves
 * every 0.2.x that a component mixes. Misuse and `exit` throw `sandbox.trap`.
 */
export function createVirtualWasi(options: VirtualWasiOptions): Record<string, unknown> {
  const { clock, random, http } = options
  const stdin = new InputStream(clock)
  const stdout = new OutputStream(clock, printer(options, 'stdout', 'info'))
  const stderr = new OutputStream(clock, printer(options, 'stderr', 'warn'))
  const randomBytes = (length: bigint): Uint8Array => {
    if (length > maxRandomBytes) return trap(`more than ${maxRandomBytes} random bytes were asked for`)
    return random(Number(length))
  }
  const randomU64 = (): bigint => {
    const bytes = random(8)
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  }
  const exit = options.exit ?? ((): never => trap('the guest called exit'))
  const noTerminal = (): undefined => undefined

  return {
    ...deniedInterfaces,
    ...createVirtualHttp(clock, http),
    'wasi:cli/environment': {
      getEnvironment: () => [],
      getArguments: () => [],
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': { exit, exitWithCode: exit },
    'wasi:cli/stdin': { getStdin: () => stdin },
    'wasi:cli/stdout': { getStdout: () => stdout },
    'wasi:cli/stderr': { getStderr: () => stderr },
    'wasi:cli/terminal-input': { TerminalInput },
    'wasi:cli/terminal-output': { TerminalOutput },
    'wasi:cli/terminal-stdin': { getTerminalStdin: noTerminal },
    'wasi:cli/terminal-stdout': { getTerminalStdout: noTerminal },
    'wasi:cli/terminal-stderr': { getTerminalStderr: noTerminal },
    'wasi:io/error': { Error: IoError },
    'wasi:io/poll': { Pollable, poll: createPoll(clock) },
    'wasi:io/streams': { InputStream, OutputStream },
    'wasi:clocks/monotonic-clock': {
      now: () => clock.monotonicNs(),
      resolution: () => 1n,
      subscribeInstant: (when: bigint) => new Pollable(clock, when),
      subscribeDuration: (duration: bigint) => {
        const when = clock.monotonicNs() + duration
        return new Pollable(clock, when > maxInstant ? maxInstant : when)
      },
    },
    'wasi:clocks/wall-clock': {
      now: () => {
        const now = clock.nowMs()
        return { seconds: now / 1000n, nanoseconds: Number((now % 1000n) * nanosecondsPerMillisecond) }
      },
      resolution: () => ({ seconds: 0n, nanoseconds: Number(nanosecondsPerMillisecond) }),
    },
    'wasi:random/random': { getRandomBytes: randomBytes, getRandomU64: randomU64 },
    'wasi:random/insecure': { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: randomU64 },
    'wasi:random/insecure-seed': { insecureSeed: () => [randomU64(), randomU64()] },
  }
}

function printer(
  { log, print }: VirtualWasiOptions,
  source: PrintedLine['source'],
  level: PrintedLine['level'],
): Pick<LineSplitter, 'write'> {
  if (print !== undefined) return { write: (bytes) => print(source, bytes) }
  return new LineSplitter((message) => log({ source, level, message }))
}
