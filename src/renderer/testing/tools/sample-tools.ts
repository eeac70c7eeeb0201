/** Tools, calls and secrets as an operator finds them. */
import type { EgressTrace, SecretView, ToolCallView, ToolView } from '../../../shared/domain/tool.ts'

export const githubSchema = JSON.stringify({
  type: 'object',
  properties: {
    owner: { type: 'string', description: 'Account that the repository belongs to.', minLength: 1 },
    repo: { type: 'string', minLength: 1, maxLength: 100 },
    state: { enum: ['open', 'closed', 'all'] },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 30 },
    labels: { type: 'array', items: { type: 'string' }, description: 'Only issues with all of these.' },
    drafts: { type: 'boolean' },
    filter: { type: 'object', description: 'Further conditions, as the provider spells them.' },
  },
  required: ['owner', 'repo'],
  additionalProperties: false,
})

export function sampleTool(module: string, change: Partial<ToolView> = {}): ToolView {
  return {
    module,
    version: '0.4.1',
    state: 'ready',
    error: null,
    description: 'Reads issues, pull requests and files from GitHub repositories.',
    schema: githubSchema,
    operations: [
      {
        id: 'github.list_issues',
        description: 'Lists issues of a repository.',
        effects: ['network', 'use_secret'],
        permission: 'allow',
        declaredPermission: 'allow',
      },
      {
        id: 'github.create_issue',
        description: 'Opens an issue.',
        effects: ['network', 'use_secret', 'external_write'],
        permission: 'ask',
        declaredPermission: 'ask',
      },
      {
        id: 'github.delete_file',
        description: 'Deletes a file.',
        effects: ['network', 'use_secret', 'external_write'],
        permission: 'deny',
        declaredPermission: 'ask',
      },
    ],
    secrets: [
      {
        name: 'github_token',
        hosts: ['api.github.com', 'uploads.github.com'],
        required: true,
        present: true,
        granted: false,
        grantedHosts: ['api.github.com'],
        injected: ['bearer'],
      },
    ],
    running: 0,
    queued: 0,
    calls: 214,
    failures: 3,
    ...change,
  }
}

export function sampleTools(): ToolView[] {
  return [
    sampleTool('github-tool'),
    sampleTool('etherscan-tool', {
      description: 'Looks up contracts and transactions.',
      schema: JSON.stringify({ oneOf: [{ type: 'object' }] }),
      operations: [
        {
          id: 'etherscan.lookup',
          description: 'Looks up an address.',
          effects: ['network', 'use_secret'],
          permission: 'allow',
          declaredPermission: 'allow',
        },
      ],
      secrets: [
        {
          name: 'etherscan_key',
          hosts: ['api.etherscan.io'],
          required: true,
          present: false,
          granted: false,
          grantedHosts: [],
          injected: ['query'],
        },
      ],
      calls: 0,
      failures: 0,
    }),
    sampleTool('slack-notify-tool', {
      version: '0.2.0',
      state: 'stopped',
      description: 'Posts to a channel.',
      operations: [
        {
          id: 'slack.post',
          description: 'Posts a message.',
          effects: ['network', 'external_write'],
          permission: 'ask',
          declaredPermission: 'ask',
        },
      ],
      secrets: [],
      calls: 0,
      failures: 0,
    }),
  ]
}

export function sampleSecret(name: string, change: Partial<SecretView> = {}): SecretView {
  const now = Date.now()
  return {
    name,
    createdAt: now - 86_400_000,
    updatedAt: now - 86_400_000,
    lastUsedAt: now - 12_000,
    grants: [],
    ...change,
  }
}

export function sampleTrace(change: Partial<EgressTrace> = {}): EgressTrace {
  return {
    at: Date.now(),
    method: 'GET',
    url: 'https://api.github.com/repos/gnosisguild/zodiac/issues',
    hop: 0,
    verdict: { kind: 'allowed', rule: 'api.github.com:443 GET /' },
    injected: ['github_token'],
    peer: '140.82.121.6:443',
    status: 200,
    requestBytes: 412,
    responseBytes: 18_432,
    redactions: 0,
    durationMs: 188,
    ...change,
  }
}

/** Requests that were refused at a step each, and one that failed. */
export function refusedTraces(): EgressTrace[] {
  const none = { injected: [], peer: null, status: null, responseBytes: 0, requestBytes: 0, durationMs: 0.4 }
  return [
    sampleTrace({
      ...none,
      url: 'https://gist.github.com/raw',
      verdict: { kind: 'refused', step: 'allowlist', code: 'policy_denied', reason: 'No rule allows it.' },
    }),
    sampleTrace({
      ...none,
      url: 'http://169.254.169.254/latest',
      verdict: {
        kind: 'refused',
        step: 'address',
        code: 'private_address',
        reason: '169.254.169.254 is no public address.',
      },
    }),
    sampleTrace({
      ...none,
      url: 'https://uploads.github.com/x',
      verdict: {
        kind: 'refused',
        step: 'credentials',
        code: 'credential_unavailable',
        reason: 'github_token is not granted for uploads.github.com.',
      },
    }),
  ]
}

export function sampleCall(id: string, change: Partial<ToolCallView> = {}): ToolCallView {
  return {
    id,
    module: 'github-tool',
    operation: 'github.list_issues',
    caller: 'console',
    startedAt: Date.now(),
    state: 'settled',
    params: '{"owner":"gnosisguild","repo":"zodiac"}',
    outcome: {
      ok: true,
      output: JSON.stringify([
        { number: 214, title: 'Delay module: cooldown resets on re-queue', labels: ['bug', 'delay'] },
        { number: 211, title: 'Document role scoping with ABI wildcards', labels: ['docs'], open: true },
      ]),
    },
    usage: {
      wallMs: 191,
      outputBytes: 18_432,
      egressBytes: 0,
      totalBytesOut: 412,
      bytesIn: 18_432,
      httpRequests: 1,
      invocations: 0,
    },
    trace: [sampleTrace()],
    logs: [{ level: 'info', message: 'asked for 2 issues' }],
    logsDropped: 0,
    ...change,
  }
}
