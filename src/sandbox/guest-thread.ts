/** Entry of the guest thread. After the module is loaded it runs no event loop: it serves calls until it is stopped. */
import { parentPort, workerData } from 'node:worker_threads'
import { ControlBlock } from './bridge/control.ts'
import { GuestLink } from './bridge/guest-link.ts'
import { GuestLoop, loadFailure } from './bridge/guest-loop.ts'
import { LogBuffer } from './bridge/log-buffer.ts'
import type { GuestThreadData, ToGuest } from './bridge/messages.ts'
import { guestContract } from './contracts/registry.ts'
import type { GuestProgram } from './programs/guest-program.ts'
import { storeError } from '../shared/store/errors.ts'
import type { LoadSpec } from '../shared/sandbox/protocol.ts'

const { control: buffer, port } = workerData as GuestThreadData
const control = new ControlBlock(buffer)
const link = new GuestLink(control, port)

parentPort?.once('message', (message: ToGuest) => {
  if (message.type === 'load') void serve(message.spec)
})

async function serve(spec: LoadSpec): Promise<void> {
  const log = new LogBuffer({
    minLevel: spec.logLevel,
    maxRecordBytes: spec.logRecordBytes,
    send: (batch) => link.post({ type: 'output', reply: null, ...batch }),
  })
  const memoryLimitBytes = spec.limits.memoryBytes
  let linkages = new Map(Object.entries(spec.capabilities))
  link.onLink = (next) => {
    linkages = new Map(Object.entries(next))
  }
  let runningCall = (): number => 0
  let program: GuestProgram
  try {
    const contract = await guestContract(spec.contract)
    program = await contract.createProgram({
      spec,
      log,
      callHost(capability, name, args) {
        // What the guest said before it waits should not wait with it.
        log.flush()
        return link.callHost(runningCall(), capability, name, args)
      },
      linkage: (capability) => linkages.get(capability) ?? 'denied',
      statements: {
        begin: (kind, budgetMs, revertible) => control.beginStatement(kind, budgetMs, revertible),
        end: () => control.endStatement(),
      },
      steps: {
        name: (names) => link.post({ type: 'steps', names }),
        begin: (step, budgetMs) => control.beginStep(step, budgetMs),
        end: () => control.endStep(),
      },
      mail: {
        get hasNews() {
          return link.hasNews
        },
        take: () => link.takeMail(),
        get stopping() {
          return link.stopping
        },
        sleep(ms) {
          log.flush()
          link.awaitNews(ms)
        },
        send(letter) {
          log.flush()
          link.post({ type: 'mail', letter })
        },
      },
    })
  } catch (error) {
    log.flush()
    link.post({ type: 'loaded', result: { ok: false, error: loadFailure(error, memoryLimitBytes) } })
    port.close()
    return
  }
  log.flush()
  link.post({
    type: 'loaded',
    result: {
      ok: true,
      ...program.progress,
      storeBytes: program.storeBytes,
      memoryBytes: program.memoryBytes,
      warnings: program.warnings.map((warning) => warning.toReport()),
    },
  })
  const loop = new GuestLoop({ control, link, log, program })
  runningCall = () => loop.runningCall
  await loop.run()
  close(program)
}

function close(program: GuestProgram): void {
  try {
    program.close()
    link.post({ type: 'closed', error: null })
  } catch (error) {
    link.post({ type: 'closed', error: storeError(error).toReport() })
  }
  port.close()
}
