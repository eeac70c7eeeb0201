import { ErrorSide } from '../error-side.ts'

export type FieldEntry = readonly [name: string, value: Uint8Array]

/** Headers of a connection and of its framing: not the guest's (wasi:http calls them forbidden). */
const forbidden = new Set([
  'connection', 'host', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'proxy-connection', 'te', 'transfer-encoding', 'upgrade',
]) // prettier-ignore

/** `wasi:http/types#fields`: headers by name, letter case aside, in order. */
export class Fields {
  private list: FieldEntry[] = []
  private isImmutable = false

  static fromList(entries: readonly FieldEntry[]): Fields {
    const fields = new Fields()
    for (const [name, value] of entries) fields.append(name, value)
    return fields
  }

  /** Those of an answer: whatever names it has, and not to be changed. */
  static received(entries: readonly FieldEntry[]): Fields {
    const fields = new Fields()
    fields.list = [...entries]
    fields.isImmutable = true
    return fields
  }

  get(name: string): Uint8Array[] {
    return this.list.filter(([each]) => isSame(each, name)).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.list.some(([each]) => isSame(each, name))
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.check(name, values)
    this.list = this.list.filter(([each]) => !isSame(each, name))
    for (const value of values) this.list.push([name, value])
  }

  delete(name: string): void {
    this.check(name, [])
    this.list = this.list.filter(([each]) => !isSame(each, name))
  }

  append(name: string, value: Uint8Array): void {
    this.check(name, [value])
    this.list.push([name, value])
  }

  entries(): FieldEntry[] {
    return [...this.list]
  }

  clone(): Fields {
    const copy = new Fields()
    copy.list = [...this.list]
    return copy
  }

  /** The same, not to be changed: what a message lends of itself. */
  frozen(): Fields {
    return Fields.received(this.list)
  }

  private check(name: string, values: readonly Uint8Array[]): void {
    if (this.isImmutable) throw new ErrorSide({ tag: 'immutable' })
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new ErrorSide({ tag: 'invalid-syntax' })
    if (values.some((value) => value.some(isControl))) throw new ErrorSide({ tag: 'invalid-syntax' })
    if (forbidden.has(name.toLowerCase())) throw new ErrorSide({ tag: 'forbidden' })
  }
}

function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
