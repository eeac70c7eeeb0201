/** Entry of the compiler process: one job at a time, each with one answer. */
import { toErrorReport } from '../../shared/errors.ts'
import { openParentChannel } from '../../shared/process/parent-port.ts'
import {
  compilerRequestSchema,
  type CompilerRequest,
  type CompilerResponse,
} from '../../shared/compiler/protocol.ts'
import { compileComponent, inspectComponent } from './compile.ts'

const channel = openParentChannel(process)
if (channel === undefined) {
  process.stderr.write('This script is started by Paddock only.\n')
  process.exit(2)
}

function post(response: CompilerResponse): void {
  channel?.post(response)
}

async function answer(request: CompilerRequest): Promise<CompilerResponse> {
  const { id } = request
  try {
    if (request.kind === 'inspect') {
      return { kind: 'inspected', id, inspection: await inspectComponent(request.path) }
    }
    const { path, expectedSha256, cacheDir, cacheMaxBytes, limits } = request
    const artifact = await compileComponent(
      { path, expectedSha256, cacheDir, cacheMaxBytes, limits },
      (stage) => {
        post({ kind: 'progress', id, stage })
      },
    )
    return { kind: 'compiled', id, artifact }
  } catch (thrown) {
    return { kind: 'failed', id, error: toErrorReport(thrown, 'compiler.failed') }
  }
}

channel.onMessage((message) => {
  const request = compilerRequestSchema.safeParse(message)
  if (request.success) void answer(request.data).then(post)
})
channel.onDisconnect(() => process.exit(0))
post({ kind: 'ready' })
