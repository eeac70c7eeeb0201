/** A name server on 127.0.0.1 that answers A and AAAA questions from a table; for tests that need real lookups. */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'

const typeA = 1
const typeAaaa = 28

export class LocalDns {
  /** Answers by name; a list of lists is walked, one entry for each A question, and its last entry stays. */
  readonly names = new Map<string, readonly (readonly string[])[]>()
  /** Names of the A questions, in order. */
  readonly asked: string[] = []
  /** Whether questions are left without an answer. */
  isSilent = false
  readonly #socket: Socket = createSocket('udp4')

  async start(): Promise<this> {
    this.#socket.on('message', (question, from) => {
      const answer = this.#answer(question)
      if (answer !== undefined) this.#socket.send(answer, from.port, from.address)
    })
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve))
    return this
  }

  get server(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(question: Buffer): Buffer | undefined {
    const labels: string[] = []
    let at = 12
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.subarray(at + 1, at + 1 + length).toString('latin1'))
      at += length + 1
    }
    const type = question.readUInt16BE(at + 1)
    const name = labels.join('.').toLowerCase()
    const steps = this.names.get(name)
    if (type === typeA) this.asked.push(name)
    if (this.isSilent) return undefined
    const turn = this.asked.filter((each) => each === name).length - 1
    const addresses = steps?.[Math.min(Math.max(turn, 0), steps.length - 1)] ?? []
    const found = addresses.filter(
      (address) => isIPv4(address) === (type === typeA) && [typeA, typeAaaa].includes(type),
    )
    const head = Buffer.from(question.subarray(0, at + 5))
    head.writeUInt16BE(steps === undefined ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(found.length, 6)
    head.writeUInt32BE(0, 8)
    return Buffer.concat([head, ...found.map((address) => recordOf(type, address))])
  }
}

function recordOf(type: number, address: string): Buffer {
  const data = type === typeA ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

/** Full or shortened notation, an IPv4 tail included. */
function ipv6Bytes(address: string): Buffer {
  const groups = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((group) => {
          if (group.includes('.')) return group.split('.').map(Number)
          const value = Number.parseInt(group, 16)
          return [value >> 8, value & 0xff]
        })
  const [head = '', tail] = address.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  return Buffer.from([...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after])
}
