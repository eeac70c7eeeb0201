/** Reads the official WebAssembly test suite of test/fixtures/spec-suite into commands. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { brotliDecompressSync } from 'node:zlib'

const folder = join(import.meta.dirname, '../fixtures/spec-suite')

export type NumberType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'
/** A constant of a number type; its bits as an unsigned integer. */
export interface Bits {
  readonly type: NumberType
  readonly bits: bigint
}
/** A reference: null, `extern` with its number, or any of a type. */
export interface Reference {
  readonly ref: 'null' | 'extern' | 'any'
  readonly number?: number
}
/** A NaN: canonical or arithmetic. */
export interface NotANumber {
  readonly nan: 'canonical_nan' | 'arithmetic_nan'
}
export interface Lanes {
  readonly lanes: readonly (Bits | NotANumber)[]
}
export interface Either {
  readonly either: readonly Expected[]
}
export type Argument = Bits | Reference
export type Expected = Bits | Reference | NotANumber | Lanes | Either

export interface ModuleToken {
  readonly kind: 'instantiate'
  readonly text: string
}
/** `undefined` arguments: an exported global is read. */
export interface Call {
  readonly kind: 'call'
  readonly target: ModuleToken | string
  readonly name: string
  readonly args: readonly Argument[] | undefined
}
type Action = ModuleToken | Call
export type Command =
  | ModuleToken
  | { readonly kind: 'register'; readonly target: ModuleToken | string; readonly name: string }
  | { readonly kind: 'invoke'; readonly action: Action }
  | { readonly kind: 'return'; readonly action: Action; readonly expected: readonly Expected[] }
  | { readonly kind: 'trap' | 'exhaustion' | 'exception' | 'unlinkable'; readonly action: Action }
  | { readonly kind: 'invalid' | 'malformed'; readonly action: Action }

/** All scripts by path; each has the hash that `files.sha256` says, or this throws. */
export async function readSpecSuite(): Promise<Map<string, string>> {
  const packed = await readFile(join(folder, 'suite.json.br'))
  const files = new Map(Object.entries(JSON.parse(brotliDecompressSync(packed).toString()) as object))
  const sums = (await readFile(join(folder, 'files.sha256'), 'utf8')).trim().split('\n')
  if (sums.length !== files.size) throw new Error(`${files.size} scripts, ${sums.length} hashes`)
  for (const line of sums) {
    const [sum, path] = line.split('  ') as [string, string]
    const text = files.get(path) as string
    if (createHash('sha256').update(text).digest('hex') !== sum) throw new Error(`${path} is not as it was`)
  }
  return files as Map<string, string>
}

/** The commands of a script, in order. */
export function commandsOf(script: string): Command[] {
  const commands: Command[] = []
  let asserting = false // within an assertion's function, what is called is only noted
  const act = (thunk: () => unknown): Action => {
    asserting = true
    try {
      return thunk() as Action
    } finally {
      asserting = false
    }
  }
  const assertion =
    (kind: 'trap' | 'exhaustion' | 'exception' | 'unlinkable' | 'invalid' | 'malformed') =>
    (thunk: () => unknown): void =>
      void commands.push({ kind, action: act(thunk) })
  const call = (made: Call): Call => {
    if (!asserting) commands.push({ kind: 'invoke', action: made })
    return made
  }
  class F32x4Pattern implements Lanes {
    readonly lanes: (Bits | NotANumber)[]
    constructor(...lanes: unknown[]) {
      this.lanes = lanes.map((lane) => expectedOf(lane) as Bits | NotANumber)
    }
  }
  class RefWithType implements Reference {
    readonly ref = 'any'
  }
  class ExternRefResult implements Reference {
    readonly ref = 'extern'
    readonly number: number
    constructor(number: number) {
      this.number = number
    }
  }
  const context = createContext({
    instantiate(text: string): ModuleToken {
      const token: ModuleToken = { kind: 'instantiate', text }
      if (!asserting) commands.push(token)
      return token
    },
    register: (target: ModuleToken | string, name: string) => {
      commands.push({ kind: 'register', target, name })
    },
    invoke: (target: ModuleToken | string, name: string, args: unknown[]) =>
      call({ kind: 'call', target, name, args: Array.from(args, argumentOf) }),
    get: (target: ModuleToken | string, name: string) =>
      call({ kind: 'call', target, name, args: undefined }),
    assert_return(thunk: () => unknown, expected: unknown) {
      const all = Array.isArray(expected) ? (expected as unknown[]) : expected === undefined ? [] : [expected]
      commands.push({ kind: 'return', action: act(thunk), expected: all.map(expectedOf) })
    },
    assert_trap: assertion('trap'),
    assert_exhaustion: assertion('exhaustion'),
    assert_exception: assertion('exception'),
    assert_unlinkable: assertion('unlinkable'),
    assert_invalid: assertion('invalid'),
    assert_malformed: assertion('malformed'),
    value: (type: NumberType, value: number | bigint | null) =>
      value === null ? argumentOf(null) : numberBits(type, value),
    bytes: (type: NumberType, bytes: number[]) => ({ type, bits: littleEndian(Uint8Array.from(bytes)) }),
    i8x16: (lanes: number[]) => vector(Uint8Array.from(lanes)),
    i16x8: (lanes: number[]) => vector(Uint16Array.from(lanes)),
    i32x4: (lanes: number[]) => vector(Uint32Array.from(lanes)),
    i64x2: (lanes: bigint[]) => vector(BigUint64Array.from(lanes)),
    f32x4: (lanes: number[]) => vector(Float32Array.from(lanes)),
    f64x2: (lanes: number[]) => vector(Float64Array.from(lanes)),
    either: (...each: unknown[]): Either => ({ either: each.map(expectedOf) }),
    externref: (number: number): Reference => ({ ref: 'extern', number }),
    hostref: (number: number): Reference => ({ ref: 'extern', number }),
    F32x4Pattern,
    F64x2Pattern: F32x4Pattern,
    RefWithType,
    ExternRefResult,
    HostRefResult: ExternRefResult,
    // V8 checks the whole range before it writes, and knows several memories.
    partialOobWriteMayWritePartialData: () => false,
    wasmMultiMemoryEnabled: () => true,
  })
  runInContext(script, context)
  return commands
}

function argumentOf(value: unknown): Argument {
  if (value === null) return { ref: 'null' }
  if (typeof value === 'number') return numberBits('i32', value)
  if (typeof value === 'bigint') return numberBits('i64', value)
  return value as Argument
}

function expectedOf(value: unknown): Expected {
  if (value === 'canonical_nan' || value === 'arithmetic_nan') return { nan: value }
  return value === null || typeof value === 'number' || typeof value === 'bigint'
    ? argumentOf(value)
    : (value as Expected)
}

function numberBits(type: NumberType, value: number | bigint): Bits {
  if (type === 'i32') return { type, bits: BigInt.asUintN(32, BigInt(value)) }
  if (type === 'i64') return { type, bits: BigInt.asUintN(64, BigInt(value)) }
  const floats = type === 'f32' ? Float32Array.of(Number(value)) : Float64Array.of(Number(value))
  return { type, bits: littleEndian(new Uint8Array(floats.buffer)) }
}

function vector({ buffer }: { readonly buffer: ArrayBufferLike }): Bits {
  return { type: 'v128', bits: littleEndian(new Uint8Array(buffer)) }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((bits, byte) => (bits << 8n) | BigInt(byte), 0n)
}
