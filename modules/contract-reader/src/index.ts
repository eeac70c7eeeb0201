import { defineTool, http, ToolFailure } from 'paddock:tool'
import { decodeResult, encodeCall } from './abi.ts'

/** The host puts the operator's key in the place of the last part; the tool never sees it. */
const defaultRpc = 'https://eth-mainnet.g.alchemy.com/v2/rpc_key'

interface Params {
  readonly address: string
  readonly signature?: string
  readonly arguments?: readonly string[]
  readonly returns?: string
  readonly block?: string
  readonly rpc?: string
}

function request(rpc: string, method: string, params: readonly unknown[]): unknown {
  const body = { jsonrpc: '2.0', id: 1, method, params }
  const answer = http.post(rpc, body, { 'content-type': 'application/json' })
  if (answer.status !== 200)
    throw new ToolFailure('client', `The endpoint answered ${answer.status}.`, `status_${answer.status}`)
  const { result, error } = objectOf(answer.json())
  if (error !== undefined && error !== null) {
    const { message } = objectOf(error)
    const said = typeof message === 'string' ? message : 'The endpoint refused.'
    throw new ToolFailure('client', said, 'rpc_error')
  }
  return result
}

/** Nothing of an answer is believed: it may be text, null or a page. */
function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new ToolFailure('operation-failed', 'The endpoint did not answer as a node does.', 'bad_answer')
}

function hexNumber(value: unknown): string {
  if (typeof value !== 'string' || !/^0x[0-9a-f]+$/i.test(value))
    throw new ToolFailure('operation-failed', 'The endpoint answered no number.', 'bad_answer')
  return BigInt(value).toString()
}

export const tool = defineTool({
  description: 'Reads contracts and balances of Ethereum through an endpoint with the operator’s own key.',
  params: {
    type: 'object',
    required: ['address'],
    additionalProperties: false,
    properties: {
      address: { type: 'string', title: 'Address', pattern: '^0x[0-9a-fA-F]{40}$' },
      signature: {
        type: 'string',
        title: 'Function',
        description: 'For contract.read, for instance balanceOf(address).',
        maxLength: 256,
      },
      arguments: {
        type: 'array',
        title: 'Arguments',
        maxItems: 16,
        items: { type: 'string', maxLength: 256 },
      },
      returns: {
        type: 'string',
        title: 'Answers',
        enum: ['uint256', 'int256', 'address', 'bool', 'bytes32', 'string', 'raw'],
        default: 'uint256',
      },
      block: {
        type: 'string',
        title: 'Block',
        pattern: '^(latest|finalized|safe|0x[0-9a-f]{1,16})$',
        default: 'latest',
      },
      rpc: { type: 'string', title: 'Endpoint', maxLength: 2_048, default: defaultRpc },
    },
  },
  operations: {
    'contract.read'(params: Params) {
      const { address, signature, block = 'latest', returns = 'uint256', rpc = defaultRpc } = params
      if (signature === undefined) throw new ToolFailure('input', 'Say which function.', 'no_signature')
      const data = encodeCall(signature, params.arguments ?? [])
      const answer = request(rpc, 'eth_call', [{ to: address, data }, block])
      if (typeof answer !== 'string' || !/^0x([0-9a-f]{2})*$/i.test(answer))
        throw new ToolFailure('operation-failed', 'The endpoint answered no bytes.', 'bad_answer')
      return { value: returns === 'raw' ? answer : decodeResult(returns, answer), block }
    },
    'contract.balance'({ address, block = 'latest', rpc = defaultRpc }: Params) {
      return {
        wei: hexNumber(request(rpc, 'eth_getBalance', [address, block])),
        transactions: hexNumber(request(rpc, 'eth_getTransactionCount', [address, block])),
        block,
      }
    },
  },
})
