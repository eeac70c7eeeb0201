/** Tools in the console's words. */
import type {
  EgressTrace,
  ToolCallLine,
  ToolCallView,
  ToolFailure,
  ToolOperationView,
  ToolView,
} from '../../../shared/domain/tool.ts'
import type { MarkKind } from '../standing.ts'

export interface Words {
  readonly mark: MarkKind
  readonly word: string
  readonly tone: '' | 'tone-ok' | 'tone-warn' | 'tone-crit' | 'tone-busy'
}

export function toolStanding({ state, secrets }: ToolView): Words {
  switch (state) {
    case 'preparing':
      return { mark: 'starting', word: 'preparing', tone: 'tone-busy' }
    case 'ready':
      return secrets.some(({ required, present, granted }) => required && !(present && granted))
        ? { mark: 'degraded', word: 'lacks a secret', tone: 'tone-warn' }
        : { mark: 'running', word: 'ready', tone: '' }
    case 'stopped':
      return { mark: 'stopped', word: 'stopped', tone: '' }
    case 'failed':
      return { mark: 'dead', word: 'failed', tone: 'tone-crit' }
    case 'quarantined':
      return { mark: 'dead', word: 'quarantined', tone: 'tone-crit' }
  }
}

const running: Readonly<Record<Exclude<ToolCallView['state'], 'settled'>, string>> = {
  reserved: 'reserved',
  queued: 'waits for a place',
  preparing: 'waits for the component',
  running: 'running',
  stopping: 'stopping',
  settling: 'settling',
}

/** How a call stands, from its line or all of it. */
export function callStanding(call: Pick<ToolCallLine, 'state' | 'end'>): Words {
  const { end, state } = call
  if (end === null)
    return {
      mark: 'starting',
      word: state === 'settled' ? 'ended' : running[state],
      tone: 'tone-busy',
    }
  if (end.ok) return { mark: 'running', word: 'success', tone: 'tone-ok' }
  const kind = end.kind ?? 'executor'
  if (kind === 'cancelled') return { mark: 'stopped', word: kind, tone: '' }
  const isMild = kind === 'auth_required' || kind === 'output_too_large' || kind === 'input_encode'
  return isMild
    ? { mark: 'degraded', word: kind, tone: 'tone-warn' }
    : { mark: 'dead', word: kind, tone: 'tone-crit' }
}

export function lineOf({ outcome, usage, ...call }: ToolCallView): ToolCallLine {
  const end =
    outcome === null
      ? null
      : outcome.ok
        ? { ok: true, kind: null, code: null, outputBytes: usage.outputBytes }
        : { ok: false, kind: outcome.failure.kind, code: outcome.failure.code, outputBytes: 0 }
  const { id, module, operation, caller, startedAt, state } = call
  return { id, module, operation, caller, startedAt, state, end, wallMs: usage.wallMs }
}

export interface FailureWords {
  readonly title: string
  readonly next: string
}

/** Cause and next step of a failure, by its kind. */
export function failureWords({ kind, code }: ToolFailure): FailureWords {
  if (code === 'confirmation_required')
    return { title: 'Somebody must agree to this operation', next: 'Call it from here, or allow it.' }
  if (code === 'deadline_exceeded')
    return { title: 'Its time was up', next: 'Ask for less, or look at what it waited for in its requests.' }
  switch (kind) {
    case 'auth_required':
      return { title: 'A secret is missing', next: 'Set it and grant it to the tool, then call again.' }
    case 'input_encode':
      return { title: 'The parameters were not accepted', next: 'Correct them and call again.' }
    case 'output_decode':
      return { title: 'It answered what is no JSON', next: 'Tell its author; nothing of it is shown.' }
    case 'output_too_large':
      return { title: 'The answer is too long', next: 'Ask for less at a time.' }
    case 'output_blocked':
      return {
        title: 'The answer holds a secret',
        next: 'Nothing of it is shown. Tell the author of the tool.',
      }
    case 'executor':
      return { title: 'It could not be carried out', next: 'Call again in a moment.' }
    case 'network_denied':
      return {
        title: 'A request was refused',
        next: 'Its requests below say which step refused it; grant what it needs, or leave it refused.',
      }
    case 'client':
      return {
        title: 'The other side did not serve it',
        next: 'Look at its requests below, then call again.',
      }
    case 'operation_failed':
      return { title: 'The tool could not do it', next: 'Its words say why; its lines may say more.' }
    case 'manifest':
      return {
        title: 'Its component cannot be run',
        next: 'Install a version that was built for this contract.',
      }
    case 'method_missing':
      return { title: 'Its component lacks what is called', next: 'Install another version of the tool.' }
    case 'guest':
      return { title: 'The tool failed by itself', next: 'Its lines may say why; tell its author.' }
    case 'memory':
      return { title: 'It needed more memory than it may have', next: 'Ask for less at a time.' }
    case 'resource':
      return { title: 'A budget or the ledger stood in the way', next: 'Look at the budgets of the engine.' }
    case 'undeclared_capability':
      return { title: 'The tool has no such operation', next: 'Choose one that it has.' }
    case 'policy_denied':
      return { title: 'The operation is denied', next: 'Change its permission if it should run.' }
    case 'cancelled':
      return { title: 'Cancelled', next: 'Nothing acts for it any more; what it used is settled.' }
  }
}

/** What an operation may do, in plain words; `hosts` and `secrets` are those of its tool. */
export function effectWords(operation: ToolOperationView, tool: ToolView): readonly string[] {
  const secrets = tool.secrets.filter(({ granted, grantedHosts }) => granted || grantedHosts.length > 0)
  const words: Readonly<Record<ToolOperationView['effects'][number], string>> = {
    network: 'Send requests to the hosts it was granted',
    use_secret:
      secrets.length === 0
        ? 'Use secrets; none is granted to it now'
        : `Use ${secrets.map(({ name, grantedHosts }) => `${name} on ${grantedHosts.join(', ')}`).join('; ')}`,
    external_write: 'Change or send something outside this machine, which cannot be taken back here',
    read_workspace: 'Read files of your workspace that it was granted',
    invoke_tool: 'Call other tools, each with its own permission',
  }
  return operation.effects.map((effect) => words[effect])
}

const steps: Readonly<Record<string, string>> = {
  grant: 'no network granted',
  rate: 'over a count or rate',
  method: 'method not allowed',
  headers: 'headers not allowed',
  body: 'too much to send',
  url: 'address not allowed',
  allowlist: 'on no allowlist',
  'guest-credentials': 'brings its own credentials',
  'request-scan': 'holds a secret',
  credentials: 'secret missing',
  address: 'private address',
  injection: 'secret could not be added',
  redirect: 'redirected where it may not go',
}

/** Why a request was let through or not: the rule, or the step that refused it. */
export function verdictWords({ verdict }: EgressTrace): string {
  switch (verdict.kind) {
    case 'allowed':
      return verdict.rule
    case 'failed':
      return verdict.rule === '' ? 'allowed' : verdict.rule
    case 'refused':
      return Object.hasOwn(steps, verdict.step) ? (steps[verdict.step] ?? verdict.step) : verdict.step
  }
}

/** Whether a grant of the operator is what a refused request lacks. */
export function lacksGrant({ verdict }: EgressTrace): boolean {
  return verdict.kind === 'refused' && ['grant', 'address', 'allowlist'].includes(verdict.step)
}

/** Secrets of the tool that the host of a request needs and that are not there or not granted. */
export function missingFor(trace: EgressTrace, tool: ToolView): string[] {
  if (trace.verdict.kind !== 'refused' || trace.verdict.step !== 'credentials') return []
  let host: string
  try {
    host = new URL(trace.url).hostname
  } catch {
    return []
  }
  return tool.secrets
    .filter(
      ({ hosts, present, grantedHosts }) => hosts.includes(host) && !(present && grantedHosts.includes(host)),
    )
    .map(({ name }) => name)
}
