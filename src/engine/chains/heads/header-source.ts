import type { Endpoint } from '../endpoint.ts'
import { headerRequest, readHeader } from './header.ts'
import type { Header } from './header.ts'
import { chainLimits } from '../limits.ts'
import { ChainRequestError } from '../request-error.ts'
import type { RpcAnswer } from '../wires/rpc-codec.ts'

/** Headers asked for at once; a header without transactions is small, but a block's list of hashes is not. */
const headersPerRequest = 16

/** Reads headers from one endpoint, and remembers those the stream delivered for subscribers that catch up. */
export class HeaderSource {
  readonly #recent: Map<bigint, Header>
  readonly endpoint: Endpoint
  readonly #signal: AbortSignal

  constructor(endpoint: Endpoint, recent: Map<bigint, Header>, signal: AbortSignal) {
    this.endpoint = endpoint
    this.#recent = recent
    this.#signal = signal
  }

  async latest(): Promise<Header> {
    const answer = await this.endpoint.call(headerRequest('latest'), this.#options())
    return readAnswer(answer)
  }

  async at(number: bigint): Promise<Header> {
    const known = this.#recent.get(number)
    if (known !== undefined) return known
    return readAnswer(await this.endpoint.call(headerRequest(number), this.#options()))
  }

  /** What the node has at this height now, whatever was delivered. */
  async fresh(number: bigint): Promise<Header> {
    return readAnswer(await this.endpoint.call(headerRequest(number), this.#options()), number)
  }

  /** Headers from `first` to `last` in order, a few at a time. Both included. */
  async *range(first: bigint, last: bigint): AsyncGenerator<Header> {
    for (let from = first; from <= last; from += BigInt(headersPerRequest)) {
      const numbers: bigint[] = []
      for (let n = from; n <= last && numbers.length < headersPerRequest; n++) numbers.push(n)
      yield* await this.#several(numbers)
    }
  }

  async #several(numbers: readonly bigint[]): Promise<readonly Header[]> {
    const missing = numbers.filter((number) => !this.#recent.has(number))
    const answers = await this.endpoint.callBatch(missing.map(headerRequest), this.#options())
    const fetched = new Map(missing.map((number, index) => [number, answers[index]]))
    return numbers.map((number) => this.#recent.get(number) ?? readAnswer(fetched.get(number), number))
  }

  #options(): { timeoutMs: number; signal: AbortSignal } {
    return { timeoutMs: chainLimits.ownRequestMs, signal: this.#signal }
  }
}

function readAnswer(answer: RpcAnswer | undefined, number?: bigint): Header {
  if (answer === undefined) throw missing()
  if (!answer.ok) throw answer.error
  const value: unknown = JSON.parse(answer.result)
  // A node behind a balancer may not have the block yet that its neighbour announced.
  if (value === null) throw missing()
  const header = readHeader(value)
  if (number !== undefined && header.number !== number) {
    throw new ChainRequestError('not-json-rpc', 'The node sent another block than the one asked for.')
  }
  return header
}

function missing(): ChainRequestError {
  return new ChainRequestError('no-answer', 'The node does not have a block that it announced.')
}
