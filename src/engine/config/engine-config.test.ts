import { describe, expect, it } from 'vitest'
import { failureOf } from '../../../test/support/failure.ts'
import { defaultOperator } from '../../shared/domain/operator/operator.ts'
import { parseEngineConfig } from './engine-config.ts'

function read(text: string, variables: Record<string, string> = {}) {
  return parseEngineConfig(text, 'engine.toml', variables)
}

describe('spec nexum-host 18 row 17: variables', () => {
  const url = 'wss://127.0.0.1:1/'

  it('replaces them in the raw text with other letters around, comments included', () => {
    const { chains } = read(`# für \${KEY} 🦬\n[chains.1]\nrpc_url = "${url}ü/\${KEY}" # é\n`, {
      KEY: 'käse',
    })
    expect(chains[0]?.endpoints[0]?.url).toBe(`${url}ü/käse`)
  })

  it('names the variable that is missing, in a comment too', () => {
    expect(failureOf(() => read('# ${ABSENT_1}'))).toMatchObject({
      code: 'settings.env_missing',
      message: expect.stringContaining('ABSENT_1'),
    })
    expect(failureOf(() => read('# ${toString}')).code).toBe('settings.env_name')
  })

  it('names what is no name, with its byte offset', () => {
    expect(failureOf(() => read('# é ${lower}', { lower: 'x' }))).toMatchObject({
      code: 'settings.env_name',
      message: expect.stringContaining('byte 5'),
    })
  })

  it('names the byte offset of a bracket that is not closed', () => {
    for (const text of ['# 🦬 ${OPEN', '# 🦬 ${OPEN\nlimits = {}'])
      expect(failureOf(() => read(text, { OPEN: 'x' }))).toMatchObject({
        code: 'settings.env_unclosed',
        message: expect.stringContaining('byte 7'),
      })
  })

  it('does not look for variables in a value it put in', () => {
    const { operator } = read('[engine]\nlog_level = "${A}"', { A: 'info' })
    expect(operator.engine.logLevel).toBe('info')
    expect(failureOf(() => read('[engine]\nlog_level = "${A}"', { A: '${B}', B: 'info' })).code).toBe(
      'settings.invalid',
    )
  })
})

describe('spec nexum-host 18 row 18: a strict file', () => {
  it('refuses a misspelt key with its line and the nearest one', () => {
    expect(failureOf(() => read('\n[limits]\nfuel_per_evnt = 5'))).toMatchObject({
      code: 'settings.unknown_key',
      message: 'engine.toml, line 3: there is no key limits.fuel_per_evnt. Did you mean "fuel_per_event"?',
    })
  })

  it.each([
    ['[limitz]\nfuel_per_event = 1', 'limitz'],
    ['[limits.http]\nconnect_timeout = 1', 'limits.http.connect_timeout'],
    ['[engine.limits]\nmemory = 1', 'engine.limits.memory'],
    ['[chains.1]\nrpc_url = "http://127.0.0.1:1"\nrpc = 1', 'chains.1.rpc'],
    ['[[modules]]\npath = "a"\npin = "b"', 'modules[1].pin'],
    ['[[content.sources]]\nkind = "bzz"\nuri = "http://127.0.0.1"', 'content.sources[1].uri'],
    ['__proto__ = { a = 1 }', '__proto__'],
  ])('refuses %j', (text, key) => {
    const error = failureOf(() => read(text))
    expect(error.code).toBe('settings.unknown_key')
    expect(error.message).toContain(key)
  })

  it.each([
    'limits.fuel_per_event',
    'limits.memory_bytes',
    'limits.event_deadline_secs',
    'limits.chain.response_body_max_bytes',
    'limits.http.connect_timeout_max_ms',
    'limits.http.total_deadline_ms',
    'limits.poison.max_failures',
    'limits.poison.window_secs',
    'limits.dispatch.burst',
    'limits.dispatch.refill_per_sec',
    'limits.dispatch.queue',
    'limits.logs.bytes_per_run',
    'limits.logs.runs_retained',
    'limits.logs.max_record_bytes',
    'engine.limits.fuel_per_event',
    'remote_store.max_bytes',
  ])('refuses zero for %s, by that name', (key) => {
    const error = failureOf(() => read(`${key} = 0`))
    expect(error.code).toBe('settings.invalid')
    expect(error.message).toContain(`line 1: ${key}:`)
  })

  it('takes zero where it means none', () => {
    const { limits } = read('limits.state_bytes = 0\nlimits.http.response_body_max_bytes = 0').operator
    expect(limits.stateBytes).toBe(0)
    expect(limits.http.responseBodyMaxBytes).toBe(0)
  })

  it('reads the aliases', () => {
    const { limits, metrics } = read(
      `[engine.limits]\nfuel_per_event = 7\n[metrics]\nenabled = true\nlisten = "127.0.0.1:0"\npath = "/m"
       [runtime.defaults.resources]\nmax_memory_bytes = 131072\nmax_state_bytes = 9
       [runtime.defaults.restart]\nmax_consecutive_failures = 3`,
    ).operator
    expect(limits).toMatchObject({ fuelPerEvent: 7, memoryBytes: 131_072, stateBytes: 9 })
    expect(limits.poison.maxConsecutiveFailures).toBe(3)
    expect(metrics).toEqual({ enabled: true, bindAddr: '127.0.0.1:0', path: '/m' })
    expect(read('[engine.metrics]\nenabled = true').operator.metrics.enabled).toBe(true)
  })

  it('refuses a key given at both of its places', () => {
    const error = failureOf(() => read('[limits]\nfuel_per_event = 1\n[engine.limits]\nfuel_per_event = 2'))
    expect(error.message).toContain('line 4')
    expect(error.message).toContain('is given as limits.fuel_per_event too')
  })

  it('tells where the text is no TOML', () => {
    expect(failureOf(() => read('a = 1\nb = ')).message).toMatch(/^engine.toml, line 2, column \d+/)
  })

  it('refuses a test key that is not enabled, and backends without their address', () => {
    const key = '11'.repeat(32)
    expect(failureOf(() => read(`identity.test_key = "${key}"`)).message).toContain('test_key_enabled')
    expect(failureOf(() => read(`identity.test_key = "${key}"`)).message).not.toContain(key)
    expect(failureOf(() => read('remote_store.mode = "bee"')).message).toContain('remote_store.api')
    expect(failureOf(() => read('messaging.mode = "waku"')).message).toContain('messaging.node')
  })

  it('is the defaults when it says nothing', () => {
    expect(read('')).toEqual({ stateDir: null, operator: defaultOperator, chains: [], modules: [] })
  })
})

describe('spec nexum-host 18 row 19: chains', () => {
  it('takes ids and names', () => {
    const { chains } = read(
      `[chains.1337]\nrpc_url = "ws://127.0.0.1:1"\nfallback_urls = ["http://127.0.0.1:2"]
       request_timeout_secs = 5\nmax_log_range_blocks = 50\nrpc_policy.max_retries = 0
       signing_methods = "deny"\nextra_methods = ["trace_block"]\norderbook_url = "http://127.0.0.1:3/x"
       [chains.gnosis]\nrpc_url = "https://node.example"\nrequire_ws = false`,
    )
    expect(chains[0]).toMatchObject({
      chainId: '1337',
      endpoints: [{ url: 'ws://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }],
      requestTimeoutMs: 5_000,
      maxLogRangeBlocks: 50,
      rpcPolicy: { maxRetries: 0, rateLimitPerSecond: 50 },
      signingMethods: 'deny',
      extraMethods: ['trace_block'],
      orderbookUrl: 'http://127.0.0.1:3/x',
    })
    expect(chains[1]).toMatchObject({ chainId: '100', name: 'gnosis', requireWs: false })
  })

  it('takes the array form, lowest priority number first', () => {
    const { chains } = read(
      `[[chains]]\nchain_id = 18446744073709551615\nname = "far"
       [[chains.endpoints]]\nurl = "http://127.0.0.1:2"\npriority = 2
       [[chains.endpoints]]\nurl = "http://127.0.0.1:1"\npriority = 1`,
    )
    expect(chains).toMatchObject([
      {
        chainId: '18446744073709551615',
        name: 'far',
        endpoints: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }],
      },
    ])
  })

  it.each([
    ['[chains.bogus]\nrpc_url = "http://127.0.0.1"', 'chains.bogus is neither'],
    ['[chains.1]\nrequest_timeout_secs = 3', 'rpc_url is missing'],
    ['[chains.1]\nrpc_url = "127.0.0.1:8545"', 'line 2: chains.1.rpc_url'],
    ['[chains.1]\nrpc_url = "ftp://127.0.0.1"', 'cannot be used'],
    ['[chains.1]\nrpc_url = "http://a"\norderbook_url = "nowhere"', 'line 3: chains.1.orderbook_url'],
    ['[chains.mainnet]\nrpc_url = "http://a"\n[chains.1]\nrpc_url = "http://b"', 'given twice'],
    ['[[chains]]\nname = "x"\nrpc_url = "http://a"', 'chain_id'],
    ['[chains.1]\nrpc_url = "http://a"\nrpc_policy.rate_limit_per_second = 0', 'rate_limit_per_second'],
  ])('refuses %j', (text, message) => {
    expect(failureOf(() => read(text)).message).toContain(message)
  })
})

describe('modules of an engine.toml', () => {
  it('reads paths with pins and grants, and places of discovery', () => {
    const account = `0x${'AB'.repeat(20)}`
    const { modules, operator } = read(
      `[[modules]]\npath = "a"\ndigest = "sha256:${'AA'.repeat(32)}"\nid = "twap"\naccounts = ["${account}"]
       approval = "auto"\ncapabilities = ["chain"]\nlimits.event_deadline_secs = 3
       [[modules]]\nsource = "ens"\nname = "Watch.Example.eth"\nchain_id = 1
       [[modules]]\nsource = "registry"\ncontract = "${account}"\nchain_id = 1\npoll_interval = "2m"
       [[modules]]\nsource = "ens-watch"\nresolver = "${account}"\nchain_id = 1`,
    )
    expect(modules).toMatchObject([
      {
        path: 'a',
        digest: 'aa'.repeat(32),
        id: 'twap',
        accounts: [account.toLowerCase()],
        approval: 'auto',
        capabilities: ['chain'],
        limits: { deadlineMs: 3_000 },
      },
    ])
    expect(operator.discovery.sources).toMatchObject([
      { source: 'ens', name: 'watch.example.eth', pollIntervalMs: 300_000 },
      { source: 'registry', contract: account.toLowerCase(), pollIntervalMs: 120_000 },
      { source: 'ens-watch', textKey: 'shepherd.module' },
    ])
  })

  it.each([
    ['[[modules]]\ndigest = "ab"', 'modules[1]'],
    ['[[modules]]\npath = "a"\n[[modules]]\npath = "b"\ndigest = "0xab"', 'modules[2].digest'],
    ['[[modules]]\nsource = "dns"', 'modules[1].source'],
    ['[[modules]]\nsource = "ens"\nname = "a.eth"\nchain_id = 1\npoll_interval = "soon"', 'poll_interval'],
  ])('refuses %j', (text, message) => {
    expect(failureOf(() => read(text)).message).toContain(message)
  })
})
