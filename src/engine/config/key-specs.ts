/** Every key of engine.toml and where its value stands in the operator model (spec nexum-host 5.3). */

export interface KeySpec {
  /** Name in the model, relative to the table around it. */
  readonly to: string
  /** The file has whole seconds, or a text such as `5m`; the model has milliseconds. */
  readonly unit?: 'seconds' | 'duration'
  readonly table?: TableSpec
  /** An array of tables. */
  readonly list?: TableSpec
  /** Never shown and, unless asked for, never exported. */
  readonly secret?: true
  /** A number in the file, decimal text in the model. */
  readonly id?: true
}
export type TableSpec = Readonly<Record<string, KeySpec>>

const key = (to: string): KeySpec => ({ to })
const seconds = (to: string): KeySpec => ({ to, unit: 'seconds' })
const secret = (to: string): KeySpec => ({ to, secret: true })
const table = (to: string, spec: TableSpec): KeySpec => ({ to, table: spec })

const limits: TableSpec = {
  fuel_per_event: key('fuelPerEvent'),
  memory_bytes: key('memoryBytes'),
  event_deadline_secs: seconds('eventDeadlineMs'),
  state_bytes: key('stateBytes'),
  chain: table('chain', { response_body_max_bytes: key('responseBodyMaxBytes') }),
  http: table('http', {
    connect_timeout_max_ms: key('connectTimeoutMaxMs'),
    first_byte_timeout_max_ms: key('firstByteTimeoutMaxMs'),
    between_bytes_timeout_max_ms: key('betweenBytesTimeoutMaxMs'),
    total_deadline_ms: key('totalDeadlineMs'),
    response_body_max_bytes: key('responseBodyMaxBytes'),
    permit_destinations: key('permitDestinations'),
  }),
  poison: table('poison', {
    max_failures: key('maxFailures'),
    window_secs: seconds('windowMs'),
    max_consecutive_failures: key('maxConsecutiveFailures'),
  }),
  dispatch: table('dispatch', {
    burst: key('burst'),
    refill_per_sec: key('refillPerSec'),
    queue: key('queue'),
  }),
  logs: table('logs', {
    bytes_per_run: key('bytesPerRun'),
    runs_retained: key('runsRetained'),
    max_record_bytes: key('maxRecordBytes'),
  }),
}

/** Tables that make up the operator section of the settings. */
export const operatorSpec: TableSpec = {
  engine: table('engine', {
    require_component_digest: key('requireComponentDigest'),
    undeclared_imports: key('undeclaredImports'),
    strict_boot: key('strictBoot'),
    log_level: key('logLevel'),
  }),
  limits: table('limits', limits),
  store: table('store', { durability: key('durability') }),
  stores: table('stores', {
    event: table('event', {
      kind: key('kind'),
      url: key('url'),
      credentials_file: key('credentialsFile'),
      nkey_seed_file: key('nkeySeedFile'),
      ca_file: key('caFile'),
      replicas: key('replicas'),
    }),
  }),
  metrics: table('metrics', { enabled: key('enabled'), bind_addr: key('bindAddr'), path: key('path') }),
  health: table('health', {
    listen: key('listen'),
    stale_event_threshold_seconds: seconds('staleEventThresholdMs'),
  }),
  logging: table('logging', { format: key('format'), module_level: key('moduleLevel') }),
  identity: table('identity', {
    keystore: key('keystore'),
    test_key: secret('testKey'),
    test_key_enabled: key('testKeyEnabled'),
    remote: key('remote'),
  }),
  remote_store: table('remoteStore', {
    mode: key('mode'),
    api: key('api'),
    postage_batch: key('postageBatch'),
    feed_key: secret('feedKey'),
    max_bytes: key('maxBytes'),
  }),
  messaging: table('messaging', {
    mode: key('mode'),
    node: key('node'),
    retention: table('retention', { max_age_secs: seconds('maxAgeMs'), max_messages: key('maxMessages') }),
  }),
  content: table('content', {
    sources: { to: 'sources', list: { kind: key('kind'), path: key('path'), url: key('url') } },
  }),
  tools: table('tools', { server: key('server'), port: key('port'), workspace: key('workspace') }),
  discovery: table('discovery', {
    mode: key('mode'),
    allowed_ens_names: key('allowedEnsNames'),
    allowed_registries: key('allowedRegistries'),
    resource_limits: table('resourceLimits', {
      fuel_per_event: key('fuelPerEvent'),
      memory_bytes: key('memoryBytes'),
      state_bytes: key('stateBytes'),
    }),
  }),
}

/** One chain, in both of its forms. */
export const chainSpec: TableSpec = {
  name: key('name'),
  request_timeout_secs: seconds('requestTimeoutMs'),
  poll_interval_ms: key('pollIntervalMs'),
  orderbook_url: key('orderbookUrl'),
  max_log_range_blocks: key('maxLogRangeBlocks'),
  rpc_policy: table('rpcPolicy', {
    max_retries: key('maxRetries'),
    rate_limit_per_second: key('rateLimitPerSecond'),
  }),
  signing_methods: key('signingMethods'),
  extra_methods: key('extraMethods'),
  require_ws: key('requireWs'),
}

/** Where the endpoints of one chain stand. */
export const endpointKeys = ['rpc_url', 'fallback_urls', 'endpoints', 'chain_id'] as const

/** `[[modules]]` with a path. */
export const moduleSpec: TableSpec = {
  path: key('path'),
  manifest: key('manifest'),
  digest: key('digest'),
  id: key('id'),
  capabilities: key('capabilities'),
  accounts: key('accounts'),
  approval: key('approval'),
  extra_methods: key('extraMethods'),
  permit_destinations: key('permitDestinations'),
  refused_hosts: key('refusedHosts'),
  refused_topics: key('refusedTopics'),
  limits: table('limits', {
    fuel_per_event: key('fuelPerCall'),
    memory_bytes: key('memoryBytes'),
    event_deadline_secs: seconds('deadlineMs'),
    state_bytes: key('storeBytes'),
    queue: key('queueEvents'),
  }),
}

/** `[[modules]]` with a discovery source (spec nexum-host 15.1). */
export const discoverySourceSpec: TableSpec = {
  source: key('source'),
  name: key('name'),
  chain_id: { to: 'chainId', id: true },
  poll_interval: { to: 'pollIntervalMs', unit: 'duration' },
  registry: key('registry'),
  contract: key('contract'),
  resolver: key('resolver'),
  text_key: key('textKey'),
  from_block: key('fromBlock'),
}
