/** Whole states of the console: an operator's busy morning, and a first run. */
import { chainConfigSchema } from '../../shared/domain/chain.ts'
import type { Activity, Notice, Snapshot } from '../../shared/domain/engine.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { busyUsage, idleUsage, sampleChain, sampleEndpoint, sampleError, sampleModule } from './samples.ts'

const mib = 1024 * 1024
const minute = 60_000

function devnetChain(modules: string[]) {
  return sampleChain('31337', 'Local devnet', {
    config: chainConfigSchema.parse({
      chainId: '31337',
      name: 'Local devnet',
      endpoints: [{ url: 'ws://127.0.0.1:8545' }],
      pollIntervalMs: 1_000,
      requestTimeoutMs: 10_000,
    }),
    devnet: true,
    head: { number: 12_840, hash: '0x00', timestamp: Date.now() - 900, receivedAt: Date.now() - 800 },
    endpoints: [sampleEndpoint('ws://127.0.0.1:8545', { latencyMsP50: 2, latencyMsP99: 5, errors: 0 })],
    modules,
    requestsPerSecond: 3,
  })
}

export function firstRun(): Snapshot {
  return {
    version: 1,
    engine: {
      state: 'running',
      startedAt: Date.now() - 9_000,
      sandboxes: 0,
      eventsPerSecond: 0,
      dropped: 0,
      loopDelayMsP99: 1.4,
      safeMode: false,
      stateDir: '/home/ops/.local/share/paddock',
    },
    modules: [],
    chains: [devnetChain([])],
    devnet: {
      state: 'running',
      chainId: '31337',
      url: 'ws://127.0.0.1:8545',
      blockTimeSeconds: 2,
      pid: 4_711,
      error: null,
    },
    notices: [],
    activity: [
      {
        id: 1,
        time: Date.now() - 6_000,
        severity: 'ok',
        subject: 'Local devnet',
        event: 'devnet_started',
        text: 'started, a block every 2 s',
      },
    ],
    watchFolders: [],
  }
}

function modules(now: number): ModuleView[] {
  const usage = (change: Partial<typeof busyUsage>): typeof busyUsage => ({ ...busyUsage, ...change })
  const healthy: readonly (readonly [string, number, number, number, number, number])[] = [
    ['balance-watch', 9.6, 2.8, 14.9, 12.1, 18.2],
    ['block-logger', 0.5, 0.2, 0.8, 2.1, 0.1],
    ['bridge-lens', 3.4, 5.1, 31.4, 17.5, 5.2],
    ['ens-renewals', 0.3, 6.2, 41, 9.8, 3.7],
    ['ethflow-watcher', 7.2, 3.3, 22.7, 14.6, 8.8],
    ['fee-recorder', 2.2, 1.6, 8.8, 7.7, 0.6],
    ['mempool-sample', 148, 0.4, 2.1, 18.3, 0.3],
    ['order-tail', 12.7, 0.3, 1.9, 4.4, 14.1],
    ['safe-guard', 6.1, 5, 31.4, 17.5, 5.2],
    ['slot-counter', 1.1, 0.8, 4.2, 8.8, 1.4],
    ['vault-accrual', 3.4, 0.4, 2.2, 4.1, 6.3],
  ]
  return [
    sampleModule('price-alert', {
      version: '1.1.0',
      status: {
        state: 'dead',
        since: now - 6 * minute,
        error: sampleError('sandbox.out_of_fuel', 'Used 1 000 M fuel in one event, 5 times in 10 min.'),
      },
      restarts: 5,
      quarantine: {
        since: now - 6 * minute,
        cause: sampleError('sandbox.out_of_fuel', 'Used 1 000 M fuel in one event.'),
        class: 'error',
        attempts: 5,
      },
      run: 6,
      pid: null,
      usage: { ...idleUsage, dispatches: 1_204, failed: 5, storeBytes: 1.9 * mib },
      subscriptions: [{ kind: 'block', chainId: '1', backfill: true }],
      lastError: {
        time: now - 6 * minute,
        error: sampleError('sandbox.out_of_fuel', 'Used 1 000 M fuel in one event.'),
      },
    }),
    sampleModule('bridge-sentinel', {
      version: '0.9.3',
      status: {
        state: 'restarting',
        since: now - 11_000,
        attempt: 3,
        nextAt: now + 14_000,
        error: sampleError('chain.timeout', 'eth_getLogs on Gnosis gave no answer in 30 s.'),
      },
      restarts: 3,
      run: 4,
      pid: null,
      usage: {
        ...idleUsage,
        dispatches: 912,
        latencyMsP50: 18.4,
        latencyMsP99: 4_210,
        fuelP50: 88_100_000,
        storeBytes: 7.4 * mib,
      },
      subscriptions: [{ kind: 'block', chainId: '100', backfill: true }],
      lastError: {
        time: now - 11_000,
        error: sampleError('chain.timeout', 'eth_getLogs on Gnosis gave no answer in 30 s.'),
      },
    }),
    sampleModule('gas-oracle', {
      version: '0.2.0',
      status: { state: 'needs-consent', since: now - 60 * minute },
      pid: null,
      usage: idleUsage,
    }),
    sampleModule('twap-monitor', {
      version: '0.2.4',
      run: 7,
      restarts: 1,
      subscriptions: [
        { kind: 'block', chainId: '1', backfill: true },
        { kind: 'block', chainId: '100', backfill: true },
        {
          kind: 'log',
          chainId: '42161',
          addresses: ['0x51c4'],
          topics: [null],
          resume: true,
          maxLookback: 500,
          batch: true,
        },
        { kind: 'cron', schedule: '*/5 * * * *' },
      ],
      usage: usage({ eventsPerSecond: 21.4, storeBytes: 45.6 * mib }),
      lastError: {
        time: now - 180 * minute,
        error: sampleError('chain.timeout', 'eth_call on Gnosis gave no answer in 30 s.'),
      },
      warnings: [],
    }),
    ...healthy.map(([name, eventsPerSecond, latencyMsP50, latencyMsP99, memory, store], index) =>
      sampleModule(name, {
        pid: 41_300 + index,
        status: { state: 'running', since: now - (index + 3) * 61 * minute },
        subscriptions: [{ kind: 'block', chainId: index % 2 === 0 ? '31337' : '1', backfill: true }],
        usage: usage({
          eventsPerSecond,
          latencyMsP50,
          latencyMsP99,
          fuelP50: latencyMsP50 * 6_100_000,
          memoryBytes: memory * mib,
          storeBytes: store * mib,
        }),
      }),
    ),
    sampleModule('slack-notify', {
      version: '0.2.0',
      status: { state: 'stopped', since: now - 2 * 86_400_000 },
      pid: null,
      usage: idleUsage,
    }),
  ]
}

function activity(now: number): Activity[] {
  const rows: readonly (readonly [number, Activity['severity'], string, string])[] = [
    [55, 'ok', 'twap-monitor', '0.2.3 replaced by 0.2.4, no event missed'],
    [48, 'ok', 'Base', 'back on base-rpc.publicnode.com'],
    [38, 'busy', 'twap-monitor', 'restarted after chain.timeout'],
    [27, 'warn', 'twap-monitor', 'store passed 90 %'],
    [9, 'warn', 'Gnosis', 'moved to gnosis.drpc.org'],
    [8, 'busy', 'bridge-sentinel', 'attempt 1 scheduled, in 2 s'],
    [6, 'crit', 'price-alert', 'dead after 5 failures'],
    [2, 'busy', 'bridge-sentinel', 'restarted, init took 212 ms'],
    [0.2, 'busy', 'bridge-sentinel', 'attempt 3 scheduled, in 15 s'],
  ]
  return rows.map(([ago, severity, subject, text], index) => ({
    id: index + 1,
    time: Math.round(now - ago * minute),
    severity,
    subject,
    event: 'sample',
    text,
  }))
}

export function busyMorning(): Snapshot {
  const now = Date.now()
  const all = modules(now)
  const readers = (chainId: string): string[] =>
    all
      .filter((module) => module.subscriptions.some((each) => 'chainId' in each && each.chainId === chainId))
      .map((module) => module.name)
  const timeout = sampleError('chain.timeout', 'rpc.gnosischain.com gave no answer in 10 s.')
  const notices: Notice[] = [
    {
      id: 'settings.corrupt',
      time: now - 40 * minute,
      severity: 'warn',
      subject: { kind: 'settings' },
      error: sampleError(
        'settings.corrupt',
        'settings.json could not be read and was kept as settings.json.broken.',
      ),
    },
  ]
  return {
    version: 1,
    engine: {
      state: 'running',
      startedAt: now - 6 * 86_400_000 - 4 * 3_600_000,
      sandboxes: 12,
      eventsPerSecond: 537,
      dropped: 0,
      loopDelayMsP99: 3.1,
      safeMode: false,
      stateDir: '/home/ops/.local/share/paddock',
    },
    modules: all,
    chains: [
      sampleChain('1', 'Ethereum', {
        modules: readers('1'),
        requestsPerSecond: 38,
        endpoints: [
          sampleEndpoint('wss://eth.example.org', { latencyMsP50: 61 }),
          sampleEndpoint('https://eth-2.example.org', { health: 'standby' }),
        ],
        config: chainConfigSchema.parse({
          chainId: '1',
          name: 'Ethereum',
          endpoints: [{ url: 'wss://eth.example.org/v3/key' }, { url: 'https://eth-2.example.org' }],
          pollIntervalMs: 4_000,
          requestTimeoutMs: 30_000,
        }),
      }),
      sampleChain('100', 'Gnosis', {
        modules: readers('100'),
        status: 'live',
        head: { number: 47_386_119, hash: '0x00', timestamp: now - 72_000, receivedAt: now - 4_000 },
        config: chainConfigSchema.parse({
          chainId: '100',
          name: 'Gnosis',
          endpoints: [{ url: 'https://rpc.gnosischain.com' }, { url: 'wss://gnosis.drpc.org/v1' }],
          pollIntervalMs: 5_000,
          requestTimeoutMs: 30_000,
        }),
        failovers: 1,
        timeline: [
          {
            time: now - 3_600_000,
            from: 'wss://gnosis.drpc.org/…',
            to: 'https://rpc.gnosischain.com',
            reason: null,
          },
          {
            time: now - 556_000,
            from: 'https://rpc.gnosischain.com',
            to: 'wss://gnosis.drpc.org/…',
            reason: timeout,
          },
        ],
        endpoints: [
          sampleEndpoint('https://rpc.gnosischain.com', {
            lastError: { time: now - 4_000, error: timeout },
            retries: 3,
            health: 'failing',
            error: timeout,
            latencyMsP50: null,
            latencyMsP99: null,
            errors: 214,
            requests: 214,
          }),
          sampleEndpoint('wss://gnosis.drpc.org/…', {
            latencyMsP50: 412,
            latencyMsP99: 3_900,
            errors: 21,
            requests: 3_411,
          }),
        ],
      }),
      sampleChain('42161', 'Arbitrum', {
        modules: readers('42161'),
        requestsPerSecond: 64,
        head: { number: 484_102_377, hash: '0x00', timestamp: now - 300, receivedAt: now - 200 },
      }),
      sampleChain('8453', 'Base', { status: 'idle', modules: [], requestsPerSecond: 0, head: null }),
      devnetChain(readers('31337')),
    ],
    devnet: {
      state: 'running',
      chainId: '31337',
      url: 'ws://127.0.0.1:8545',
      blockTimeSeconds: 2,
      pid: 4_711,
      error: null,
    },
    notices,
    activity: activity(now),
    watchFolders: ['/home/ops/src/paddock-modules/dist'],
  }
}
