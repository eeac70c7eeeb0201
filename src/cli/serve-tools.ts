/** `paddock serve-tools` and `paddock mcp`: the tools of bundles for other programs, over HTTP or standard input and output. */
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { directGateway } from '../engine/tool-server/gateway.ts'
import { createMcpServer } from '../engine/tool-server/mcp.ts'
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { loadTool, type ToolGiven } from './load-tool.ts'
import { withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'
import { untilSignal } from './until-signal.ts'

export interface ServeToolsOptions extends OneShotOptions, ToolGiven {
  readonly bundles: readonly string[]
  /** Milliseconds, or undefined to serve until a signal. */
  readonly forMs: number | undefined
}

/** Serves over HTTP and MCP on the loopback address until a signal or a time. */
export async function serveTools(
  options: ServeToolsOptions & { port: number },
  output: Output,
): Promise<number> {
  return withEngine(options, output, async (engine) => {
    for (const bundle of options.bundles) await loadTool(engine, bundle, options)
    const { toolServer } = engine
    await toolServer.apply({ server: true, port: options.port, workspace: null })
    const { url, tokenFile } = toolServer.view
    if (url === null)
      throw new PaddockError('settings.invalid', `Nothing can listen on port ${options.port}.`)
    output.line(
      'engine.state',
      { state: 'serving', url, tokenFile },
      `serves tools at ${url} (MCP at ${url}/mcp); the token is in ${tokenFile}`,
    )
    await untilSignal(options.forMs)
    return exitCodes.ok
  })
}

/** Serves MCP over standard input and output, which carry nothing else, until the client closes it. */
export async function serveMcp(options: ServeToolsOptions, output: Output): Promise<number> {
  return withEngine(options, output, async (engine) => {
    for (const bundle of options.bundles) await loadTool(engine, bundle, options)
    const gateway = directGateway(engine.contracts.tools)
    const closed = new Promise<void>((resolve) => void process.stdin.once('close', () => resolve()))
    const handle = serveStdio(() => createMcpServer(gateway, options.version), {
      onerror: (error) => process.stderr.write(`paddock: ${error.message}\n`),
    })
    await Promise.race([closed, untilSignal(options.forMs)])
    await handle.close()
    return exitCodes.ok
  })
}
