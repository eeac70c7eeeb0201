/** Reads of one chain through the operator's own endpoint, as discovery needs them. */
import { z } from 'zod'
import type { Hex } from 'viem'
import { PaddockError } from '../../shared/errors.ts'

/** Sends one JSON-RPC call; answers the JSON text of its result. */
export type RpcRequest = (chainId: string, method: string, paramsJson: string) => Promise<string>

const hexSchema = z.string().regex(/^0x([0-9a-fA-F]{2})*$/)
const logSchema = z.object({
  address: z.string(),
  topics: z.array(z.string()),
  data: hexSchema,
  blockNumber: z.string(),
  removed: z.boolean().optional(),
})
export interface EthLog {
  readonly topics: readonly string[]
  readonly data: Hex
}

export class EthReader {
  private readonly chainId: string
  private readonly request: RpcRequest

  constructor(chainId: string, request: RpcRequest) {
    this.chainId = chainId
    this.request = request
  }

  /** `0x` when there is no contract or it answers nothing. Rejects with the provider's error. */
  async call(to: Hex, data: Hex): Promise<Hex> {
    const answer = hexSchema.safeParse(await this.rpc('eth_call', [{ to, data }, 'latest']))
    if (!answer.success) throw malformed()
    return answer.data as Hex
  }

  /** As `call`, but null where the contract reverts, which is how many answer what they do not know. */
  async tryCall(to: Hex, data: Hex, isRevert: (error: unknown) => boolean): Promise<Hex | null> {
    try {
      return await this.call(to, data)
    } catch (error) {
      if (isRevert(error)) return null
      throw error
    }
  }

  async head(): Promise<number> {
    const answer = z
      .string()
      .regex(/^0x[0-9a-f]{1,12}$/)
      .safeParse(await this.rpc('eth_blockNumber', []))
    if (!answer.success) throw malformed()
    return Number(answer.data)
  }

  /** Logs of one contract with one of these first topics, both blocks included. */
  async logs(address: Hex, topics: readonly Hex[], fromBlock: number, toBlock: number): Promise<EthLog[]> {
    const filter = {
      address,
      topics: [topics],
      fromBlock: `0x${fromBlock.toString(16)}`,
      toBlock: `0x${toBlock.toString(16)}`,
    }
    const answer = z.array(logSchema).safeParse(await this.rpc('eth_getLogs', [filter]))
    if (!answer.success) throw malformed()
    return answer.data
      .filter((log) => log.removed !== true)
      .map((log) => ({ topics: log.topics, data: log.data as Hex }))
  }

  private async rpc(method: string, params: readonly unknown[]): Promise<unknown> {
    return JSON.parse(await this.request(this.chainId, method, JSON.stringify(params)))
  }
}

function malformed(): PaddockError {
  return new PaddockError('discovery.failed', 'The node answered with something else than what was asked.')
}
