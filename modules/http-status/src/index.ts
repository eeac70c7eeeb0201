import { defineTool, http, HttpFailure, type HttpAnswer } from 'paddock:tool'

interface Params {
  readonly urls: readonly string[]
  /** Ask for the head of the chain instead of the page. */
  readonly rpc?: boolean
  readonly timeoutMs?: number
}

interface Finding {
  readonly url: string
  readonly up: boolean
  /** Milliseconds from asking to the whole answer. */
  readonly ms: number
  readonly status?: number
  readonly block?: number
  readonly problem?: string
}

function ask(url: string, { rpc = false, timeoutMs = 5_000 }: Params): HttpAnswer {
  if (!rpc) return http.request({ url, timeoutMs })
  return http.request({
    method: 'POST',
    url,
    timeoutMs,
    headers: { 'content-type': 'application/json' },
    body: { jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] },
  })
}

function head(answer: HttpAnswer): number {
  const { result } = answer.json() as { result?: unknown }
  if (typeof result !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(result)) throw new Error('no block number')
  return Number(result)
}

function check(url: string, params: Params): Finding {
  const began = Date.now()
  const since = (): number => Date.now() - began
  try {
    const answer = ask(url, params)
    const up = answer.status >= 200 && answer.status < 400
    const found = { url, up, ms: since(), status: answer.status }
    if (params.rpc !== true || !up) return found
    try {
      return { ...found, block: head(answer) }
    } catch {
      return { ...found, up: false, problem: 'it answered, but not as a node of a chain does' }
    }
  } catch (thrown) {
    if (!(thrown instanceof HttpFailure)) throw thrown
    return { url, up: false, ms: since(), problem: thrown.code ?? thrown.kind }
  }
}

export const tool = defineTool({
  description: 'Checks whether HTTP addresses and JSON-RPC endpoints answer, and how fast.',
  params: {
    type: 'object',
    required: ['urls'],
    additionalProperties: false,
    properties: {
      urls: {
        type: 'array',
        title: 'Addresses',
        description: 'Each must be on the list of hosts that this tool declares.',
        minItems: 1,
        maxItems: 16,
        items: { type: 'string', maxLength: 2_048 },
      },
      rpc: {
        type: 'boolean',
        title: 'Ask as a chain',
        description: 'Ask for the newest block instead of the page.',
        default: false,
      },
      timeoutMs: {
        type: 'integer',
        title: 'Wait at most, ms',
        minimum: 100,
        maximum: 10_000,
        default: 5_000,
      },
    },
  },
  operations: {
    'http-status.check'(params: Params) {
      const findings = params.urls.map((url) => check(url, params))
      return { up: findings.filter(({ up }) => up).length, of: findings.length, findings }
    },
  },
})
