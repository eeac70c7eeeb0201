/** The imports of `near:agent/host`. Without a call everything is refused, empty or false (spec tools 3). */
import { maxHostTexts } from '../../../shared/contracts/tool-call.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { err, implement, ok, type HostInterface } from '../../binding/types.ts'
import { ask, type HostContext } from './asking.ts'
import { requestHttp } from './http-request.ts'
import { hostInterface } from './interfaces.ts'

export function toolHost(context: HostContext): HostInterface {
  return implement(hostInterface, {
    log(level, message) {
      const call = context.call()
      if (call?.isOverdue === false) call.log(level, message)
      return undefined
    },
    nowMillis: () => BigInt(Math.max(0, Math.floor(context.nowMs()))),
    workspaceRead(path) {
      const asked = ask(context, 'workspace-read', [path.slice(0, maxHostTexts.path)])
      return ('answer' in asked ? asked.answer : null) ?? undefined
    },
    httpRequest(method, url, headersJson, body, timeoutMs) {
      const outcome = requestHttp(context, { method, url, headersJson, body, timeoutMs })
      return 'answer' in outcome ? ok(outcome.answer) : err(outcome.failure)
    },
    toolInvoke(alias, paramsJson) {
      const params = paramsJson.slice(0, maxHostTexts.params)
      const asked = ask(context, 'tool-invoke', [alias.slice(0, maxHostTexts.alias), params])
      if ('refusal' in asked) return err(invokeRefusal(asked.refusal))
      return asked.answer.ok ? ok(asked.answer.output) : err(asked.answer.error)
    },
    secretExists(name) {
      const asked = ask(context, 'secret-exists', [name.slice(0, maxHostTexts.secret)])
      return 'answer' in asked && asked.answer
    },
  })
}

function invokeRefusal(refusal: HostError['kind']): string {
  switch (refusal) {
    case 'denied':
    case 'unsupported':
      return 'not_granted'
    case 'timeout':
      return 'deadline_exceeded'
    case 'rate-limited':
      return 'rate_limited'
    case 'unavailable':
      return 'busy'
    default:
      return 'executor'
  }
}
