/** Values of every kind the console shows, complete and within the schemas. */
import { chainConfigSchema, type ChainView, type EndpointView } from '../../shared/domain/chain.ts'
import { defaultLimits, type LimitBounds } from '../../shared/domain/limits.ts'
import type { LogRecord } from '../../shared/domain/log.ts'
import type {
  CapabilityStanding,
  Dispatch,
  InstallRequest,
  ModuleUsage,
  ModuleView,
} from '../../shared/domain/module.ts'
import { errorCodes, type ErrorCode, type ErrorReport } from '../../shared/errors.ts'

const mib = 1024 * 1024

export function sampleError(code: ErrorCode, message: string): ErrorReport {
  return { code, message, remedy: errorCodes[code] }
}

/** Hexadecimal digits that differ from name to name but not from run to run. */
export function sampleHash(text: string): string {
  let value = 2_166_136_261
  let digits = ''
  for (let index = 0; digits.length < 64; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index % text.length) ^ index, 16_777_619) >>> 0
    digits += value.toString(16).padStart(8, '0')
  }
  return digits.slice(0, 64)
}

export const sampleBounds: LimitBounds = {
  fuelPerCall: { min: 1_000_000, max: 100_000_000_000 },
  memoryBytes: { min: mib, max: 4_096 * mib },
  deadlineMs: { min: 100, max: 600_000 },
  storeBytes: { min: 0, max: 4_096 * mib },
  queueEvents: { min: 1, max: 65_536 },
}

export const idleUsage: ModuleUsage = {
  dispatches: 0,
  rolledBack: 0,
  failed: 0,
  rolledBackInRow: 0,
  eventsPerSecond: 0,
  queued: 0,
  dropped: 0,
  latencyMsP50: null,
  latencyMsP99: null,
  fuelP50: null,
  memoryBytes: null,
  storeBytes: null,
  residentBytes: null,
  cpu: null,
  hostCalls: 0,
  logLines: 0,
  logLinesDropped: 0,
}

export const busyUsage: ModuleUsage = {
  dispatches: 4_812,
  rolledBack: 2,
  failed: 0,
  rolledBackInRow: 0,
  eventsPerSecond: 0.5,
  queued: 0,
  dropped: 0,
  latencyMsP50: 4.1,
  latencyMsP99: 38.2,
  fuelP50: 41_200_000,
  memoryBytes: 23.4 * mib,
  storeBytes: 1.8 * mib,
  residentBytes: 96 * mib,
  cpu: 0.04,
  hostCalls: 14_436,
  logLines: 4_831,
  logLinesDropped: 0,
}

export const sampleCapabilities: CapabilityStanding[] = [
  { name: 'chain', asked: 'required', imported: true, verdict: 'granted', calls: 31_204, denied: 0 },
  { name: 'local-store', asked: 'required', imported: true, verdict: 'granted', calls: 18_840, denied: 0 },
  { name: 'http', asked: 'optional', imported: true, verdict: 'refused', calls: 0, denied: 3 },
  { name: 'logging', asked: 'required', imported: true, verdict: 'granted', calls: 2_418, denied: 0 },
  { name: 'clock', asked: 'optional', imported: true, verdict: 'granted', calls: 1_022, denied: 0 },
  { name: 'identity', asked: 'optional', imported: false, verdict: 'unsupported', calls: 0, denied: 0 },
]

/** A module that runs and is well; `change` makes another of it. */
export function sampleModule(name: string, change: Partial<ModuleView> = {}): ModuleView {
  return {
    name,
    version: '0.1.0',
    description: `Keeps an eye on ${name.split('-')[0] ?? name}s.`,
    authors: ['Tidewater Labs'],
    contract: { id: 'event', title: 'Event module', world: 'nexum:host/event-module@0.2.0' },
    bundlePath: `/home/ops/paddock/modules/${name}`,
    componentSha256: sampleHash(name),
    componentBytes: 397_312,
    pinned: true,
    status: { state: 'running', since: Date.now() - 628_000 },
    run: 1,
    restarts: 0,
    pid: 41_207,
    subscriptions: [{ kind: 'block', chainId: '31337', backfill: true }],
    capabilities: sampleCapabilities,
    config: [
      ['threshold', '1500000000000000000'],
      ['watch', '0x51c4a7e2b9f03d86e1aa5c7714bd62f08c3a9e02'],
    ],
    limits: defaultLimits,
    limitsAsked: {},
    limitsSet: {},
    usage: busyUsage,
    lastError: null,
    quarantine: null,
    warnings: [],
    ...change,
  }
}

export function sampleEndpoint(label: string, change: Partial<EndpointView> = {}): EndpointView {
  return {
    label,
    transport: label.startsWith('ws') ? 'ws' : 'http',
    health: 'serving',
    error: null,
    latencyMsP50: 44,
    latencyMsP95: 120,
    latencyMsP99: 180,
    requests: 88_214,
    errors: 12,
    rateLimited: 0,
    retries: 3,
    lastError: null,
    changes: [],
    ...change,
  }
}

export function sampleChain(chainId: string, name: string, change: Partial<ChainView> = {}): ChainView {
  const url = `wss://${name.toLowerCase().replace(/\W+/g, '-')}.example.org`
  return {
    config: chainConfigSchema.parse({
      chainId,
      name,
      endpoints: [{ url }],
      pollIntervalMs: 4_000,
      requestTimeoutMs: 30_000,
    }),
    devnet: false,
    status: 'live',
    error: null,
    head: {
      number: 25_531_882,
      hash: `0x${sampleHash(name)}`,
      timestamp: Date.now() - 3_000,
      receivedAt: Date.now() - 2_000,
    },
    endpoints: [sampleEndpoint(url)],
    modules: [],
    requestsPerSecond: 11,
    reconnects: 1,
    blocksBackfilled: 3,
    blocksSkipped: 0,
    failovers: 0,
    timeline: [],
    logFilters: 0,
    logsBackfilled: 0,
    logsRemoved: 0,
    ...change,
  }
}

export function sampleDispatch(dispatch: number, change: Partial<Dispatch> = {}): Dispatch {
  return {
    dispatch,
    run: 1,
    startedAt: Date.now(),
    eventType: 'block',
    chainId: '31337',
    blockNumber: 12_000 + dispatch,
    result: 'committed',
    error: null,
    queuedMs: 0.2,
    durationMs: 4 + ((dispatch * 7) % 11),
    fuel: 38_100_000,
    hostCalls: 3,
    writes: 1,
    ...change,
  }
}

export function sampleLog(id: number, change: Partial<LogRecord> = {}): LogRecord {
  return {
    id,
    module: 'block-logger',
    run: 1,
    time: Date.now(),
    level: 'info',
    source: 'host_interface',
    message: `line ${id}`,
    ...change,
  }
}

export function sampleRequest(change: Partial<InstallRequest> = {}): InstallRequest {
  return {
    requestId: 'request-1',
    name: 'limit-keeper',
    version: '0.5.1',
    description: 'It watches your limit orders on Ethereum and Base and cancels stale ones.',
    authors: ['Tidewater Labs'],
    contract: { id: 'event', title: 'Event module', world: 'nexum:host/event-module@0.2.0' },
    bundlePath: '/home/ops/Downloads/limit-keeper.tar.gz',
    componentSha256: '4be197d052ac38f6e07b1d94c2a56f1388d40be971f2a35c16907ecd4f28b7a1',
    componentBytes: 397_312,
    pinned: true,
    imports: [
      'nexum:host/chain@0.2.0',
      'nexum:host/local-store@0.2.0',
      'nexum:host/logging@0.2.0',
      'nexum:host/types@0.2.0',
    ],
    asks: [
      {
        capability: 'identity',
        title: 'Sign messages with your account',
        detail: 'Could move funds. You see each message first.',
        required: false,
        risky: true,
        harmless: false,
      },
      {
        capability: 'http',
        title: 'Call any host under *.workers.dev',
        detail: 'Anyone can put a server there. What the module knows could leave this machine.',
        required: false,
        risky: true,
        harmless: false,
      },
      {
        capability: 'chain',
        title: 'Read Ethereum and Base',
        detail: 'New blocks and 19 read methods, through your endpoints.',
        required: true,
        risky: false,
        harmless: false,
      },
      {
        capability: 'local-store',
        title: 'Keep up to 20 MiB on this machine',
        detail: 'In a file of its own. Other modules cannot read it.',
        required: true,
        risky: false,
        harmless: false,
      },
      {
        capability: 'logging',
        title: 'Write log lines',
        detail: '',
        required: true,
        risky: false,
        harmless: true,
      },
      {
        capability: 'clock',
        title: 'Read the time',
        detail: '',
        required: false,
        risky: false,
        harmless: true,
      },
    ],
    subscriptions: [
      { kind: 'block', chainId: '1', backfill: true },
      { kind: 'cron', schedule: '*/5 * * * *' },
    ],
    limitsAsked: { fuelPerCall: 200_000_000, memoryBytes: 128 * mib, storeBytes: 20 * mib },
    limitsGiven: { ...defaultLimits, fuelPerCall: 200_000_000, storeBytes: 20 * mib },
    warnings: [],
    chainsMissing: ['8453'],
    replaces: null,
    ...change,
  }
}
