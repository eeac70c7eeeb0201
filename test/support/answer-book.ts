/**
 * A contract, assembled here, that answers each call with the bytes it was told to, and emits the events it is told
 * to: an ENS registry, a resolver and a module registry in one.
 */
import { encodeAbiParameters, keccak256, type Hex } from 'viem'
import type { Anvil } from './anvil.ts'

/** One instruction a word; `name:` marks a place, `@name` pushes it. */
const source = `
  push 0 calldataload
  dup1 push 1 eq @store jumpi
  dup1 push 2 eq @log2 jumpi
  dup1 push 3 eq @log3 jumpi
  calldatasize push 0 push 0 calldatacopy
  calldatasize push 0 keccak256
  dup1 sload push 0
  read: dup2 dup2 lt iszero @answer jumpi
  dup1 push 5 shr push 1 add dup4 add sload dup2 mstore
  push 32 add @read jump
  answer: pop push 0 return

  store: push 32 calldataload
  push 64 calldatasize sub
  dup1 dup3 sstore push 0
  write: dup2 dup2 lt iszero @end jumpi
  dup1 push 64 add calldataload dup2 push 5 shr push 1 add dup5 add sstore
  push 32 add @write jump
  end: stop

  log2: push 96 calldatasize sub dup1 push 96 push 0 calldatacopy
  push 64 calldataload push 32 calldataload dup3 push 0 log2 stop
  log3: push 128 calldatasize sub dup1 push 128 push 0 calldatacopy
  push 96 calldataload push 64 calldataload push 32 calldataload dup4 push 0 log3 stop
`

const opcodes: Readonly<Record<string, number>> = {
  stop: 0x00,
  add: 0x01,
  sub: 0x03,
  lt: 0x10,
  eq: 0x14,
  iszero: 0x15,
  shr: 0x1c,
  keccak256: 0x20,
  calldataload: 0x35,
  calldatasize: 0x36,
  calldatacopy: 0x37,
  pop: 0x50,
  mstore: 0x52,
  sload: 0x54,
  sstore: 0x55,
  jump: 0x56,
  jumpi: 0x57,
  dup1: 0x80,
  dup2: 0x81,
  dup3: 0x82,
  dup4: 0x83,
  dup5: 0x84,
  log2: 0xa2,
  log3: 0xa3,
  return: 0xf3,
}

function assemble(): Buffer {
  const bytes: number[] = []
  const places = new Map<string, number>()
  const uses: [at: number, name: string][] = []
  const words = source.trim().split(/\s+/)
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!
    if (word.endsWith(':')) {
      places.set(word.slice(0, -1), bytes.length)
      bytes.push(0x5b)
    } else if (word.startsWith('@')) {
      uses.push([bytes.length + 1, word.slice(1)])
      bytes.push(0x61, 0, 0)
    } else if (word === 'push') {
      index += 1
      bytes.push(0x60, Number(words[index]))
    } else {
      bytes.push(opcodes[word]!)
    }
  }
  for (const [at, name] of uses) {
    bytes[at] = places.get(name)! >> 8
    bytes[at + 1] = places.get(name)! & 0xff
  }
  const size = bytes.length
  return Buffer.from([0x61, size >> 8, size & 0xff, 0x80, 0x60, 0x0c, 0x60, 0, 0x39, 0x60, 0, 0xf3, ...bytes])
}

const word = (value: number): string => value.toString(16).padStart(64, '0')

export class AnswerBook {
  readonly address: Hex
  readonly #anvil: Anvil
  readonly #from: string

  private constructor(anvil: Anvil, from: string, address: Hex) {
    this.#anvil = anvil
    this.#from = from
    this.address = address
  }

  static async deploy(anvil: Anvil): Promise<AnswerBook> {
    const [from] = (await anvil.rpc('eth_accounts', [])) as string[]
    const data = `0x${assemble().toString('hex')}`
    const receipt = await mined(anvil, { from: from!, data })
    return new AnswerBook(anvil, from!, receipt.contractAddress.toLowerCase() as Hex)
  }

  /** From now on `call` is answered with these bytes. */
  async answer(call: Hex, bytes: Hex): Promise<void> {
    await this.#send(`0x${word(1)}${keccak256(call).slice(2)}${bytes.slice(2)}`)
  }

  /** Emits a log with these topics, two or three, and texts as data. */
  async emit(topics: readonly Hex[], ...texts: string[]): Promise<void> {
    const data = encodeAbiParameters(
      texts.map(() => ({ type: 'string' })),
      texts,
    )
    await this.#send(
      `0x${word(topics.length)}${topics.map((topic) => topic.slice(2)).join('')}${data.slice(2)}`,
    )
  }

  async #send(data: string): Promise<void> {
    await mined(this.#anvil, { from: this.#from, to: this.address, data })
  }
}

async function mined(
  anvil: Anvil,
  transaction: Readonly<Record<string, string>>,
): Promise<{ status: string; contractAddress: string }> {
  const hash = await anvil.rpc('eth_sendTransaction', [{ ...transaction, gas: '0x1000000' }])
  await anvil.mine(1)
  const receipt = (await anvil.rpc('eth_getTransactionReceipt', [hash])) as {
    status: string
    contractAddress: string
  } | null
  if (receipt?.status !== '0x1') throw new Error(`The transaction failed: ${JSON.stringify(receipt)}`)
  return receipt
}
