/** What a server of tools asks of the engine, in the engine's own thread or from another. */
import type { ToolCallView, ToolView } from '../../shared/domain/tool.ts'
import type { ToolApi } from '../contracts/tool/api.ts'

export interface GatewayCall {
  readonly operation: string
  /** JSON text of an object. */
  readonly params: string
  readonly caller: Extract<ToolCallView['caller'], 'http' | 'mcp'>
  /** The caller leaves. */
  readonly signal: AbortSignal
  readonly onState?: (state: ToolCallView['state']) => void
}

export interface ToolGateway {
  list(): Promise<readonly ToolView[]>
  /** A call that failed is an answer. Throws `tool.*` for what never became a call. */
  call(request: GatewayCall): Promise<ToolCallView>
  onDidChange(listener: () => void): () => void
}

/** For a server that runs in the engine's thread. */
export function directGateway(api: ToolApi): ToolGateway {
  return {
    list: () => Promise.resolve(api.list()),
    call: ({ operation, params, caller, signal, onState }) =>
      api.call({
        operation,
        params,
        caller,
        signal,
        ...(onState === undefined ? {} : { onProgress: ({ state }) => onState(state) }),
      }),
    onDidChange: (listener) => api.onDidChange(listener),
  }
}
