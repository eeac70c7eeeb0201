/** `tool.toml`, and the same tables under `[contract]` of `paddock.toml` (spec tools 2, 14 row declaration). */
import { describe, expect, test } from 'vitest'
import { toolDeclarationSchema, type ToolDeclaration } from '../../../../shared/contracts/tool.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { readToolDeclaration } from '../../../contracts/tool/declaration.ts'
import { parseManifest } from '../read-manifest.ts'
import type { ModuleManifest } from '../model.ts'

const head = `schema = "tool.v1"
id = "github"
version = "0.2.8"
component = "github_tool.wasm"
wit = "near:agent@0.4.1"
`
const operation = `[[operations]]
id = "github.get_repo"
`

function read(text: string, file = '/b/tool.toml'): ModuleManifest {
  return parseManifest(file, new TextEncoder().encode(text), { knownCapabilities: [] })
}

function declared(body: string): ToolDeclaration {
  return readToolDeclaration(read(`${head}${body}${body.includes('[[operations]]') ? '' : operation}`))
}

function fault(text: string, file?: string): PaddockError {
  try {
    read(text, file)
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const faultOf = (body: string): PaddockError => fault(`${head}${body}${operation}`)

test('a declaration without tables has every default of spec tools 2, and reaches nothing', () => {
  const manifest = read(head + operation)
  expect(manifest).toMatchObject({
    source: { dialect: 'tool' },
    name: 'github',
    version: '0.2.8',
    component: { file: 'github_tool.wasm', sha256: null },
  })
  expect(readToolDeclaration(manifest)).toEqual({
    limits: { timeoutMs: 60_000, memoryBytes: 67_108_864, inputBytes: 1_048_576, outputBytes: 1_048_576 },
    http: {
      timeoutMs: 30_000,
      maxRequestBytes: 1_048_576,
      maxResponseBytes: 10_485_760,
      maxEgressBytes: null,
      maxRedirects: 3,
      requestsPerCall: 50,
      rate: { perMinute: 60, perHour: 1_000 },
      allow: [],
    },
    credentials: [],
    visibleSecrets: [],
    workspace: { read: [], maxFileBytes: 1_048_576 },
    tools: { callsPerCall: 20, rate: { perMinute: 60, perHour: 1_000 }, alias: {} },
    operations: [{ id: 'github.get_repo', description: '', effects: [], permission: 'allow' }],
  })
})

test('every key is read', () => {
  const declaration = declared(`sha256 = "${'Ab'.repeat(32)}"
[limits]
timeout_ms = 1000
memory_bytes = 1048576
input_bytes = 10
output_bytes = 20
[http]
timeout_ms = 30
max_request_bytes = 1
max_response_bytes = 2
max_egress_bytes = 3
max_redirects = 0
requests_per_call = 4
rate = { per_minute = 5, per_hour = 6 }
[[http.allow]]
host = "API.GitHub.com"
methods = ["GET", "POST", "GET"]
[[http.allow]]
scheme = "http"
host = "*.münchen.example"
path_prefix = "/v1"
[[credentials]]
secret = "github_token"
inject = { type = "bearer" }
hosts = ["api.github.com"]
[[credentials]]
secret = "key"
inject = { type = "header", name = "X-Key", prefix = "k " }
hosts = ["a.xn--mnchen-3ya.example"]
path_prefixes = ["/v1/x"]
required = false
[secrets]
visible = ["github_token", "git*"]
[workspace]
read = ["context/", "notes/today.md"]
max_file_bytes = 7
[tools]
calls_per_call = 8
rate = { per_minute = 9, per_hour = 10 }
alias = { lookup = "web-search.query" }
[[operations]]
id = "github.get_repo"
description = "Get a GitHub repository."
effects = ["network", "use_secret"]
permission = "deny"
allow = [0]
credentials = ["github_token"]
[[operations]]
id = "github.write"
effects = ["network", "external_write"]
`)
  expect(declaration).toMatchObject({
    limits: { timeoutMs: 1_000, memoryBytes: 1_048_576, inputBytes: 10, outputBytes: 20 },
    http: {
      timeoutMs: 30,
      maxRequestBytes: 1,
      maxResponseBytes: 2,
      maxEgressBytes: 3,
      maxRedirects: 0,
      requestsPerCall: 4,
      rate: { perMinute: 5, perHour: 6 },
    },
    visibleSecrets: ['github_token', 'git*'],
    workspace: { read: ['context/', 'notes/today.md'], maxFileBytes: 7 },
    tools: { callsPerCall: 8, rate: { perMinute: 9, perHour: 10 }, alias: { lookup: 'web-search.query' } },
  })
  expect(declaration.http.allow).toEqual([
    { scheme: 'https', host: 'api.github.com', port: 443, pathPrefix: '/', methods: ['GET', 'POST'] },
    {
      scheme: 'http',
      host: '*.xn--mnchen-3ya.example',
      port: 80,
      pathPrefix: '/v1',
      methods: ['GET', 'HEAD'],
    },
  ])
  expect(declaration.credentials).toEqual([
    {
      secret: 'github_token',
      inject: { type: 'bearer' },
      hosts: ['api.github.com'],
      pathPrefixes: [],
      required: true,
    },
    {
      secret: 'key',
      inject: { type: 'header', name: 'X-Key', prefix: 'k ' },
      hosts: ['a.xn--mnchen-3ya.example'],
      pathPrefixes: ['/v1/x'],
      required: false,
    },
  ])
  expect(declaration.operations).toMatchObject([
    { permission: 'deny', allow: [0], credentials: ['github_token'] },
    // What writes elsewhere is asked about.
    { permission: 'ask' },
  ])
  expect(toolDeclarationSchema.safeParse(declaration).success).toBe(true)
})

test.each([
  ['{ type = "query", name = "key" }', { type: 'query', name: 'key' }],
  ['{ type = "basic", username = "me" }', { type: 'basic', username: 'me' }],
  ['{ type = "path", placeholder = "TOKEN" }', { type: 'path', placeholder: 'TOKEN' }],
  ['{ type = "header", name = "X-Key" }', { type: 'header', name: 'X-Key', prefix: '' }],
])('injection %s', (text, injection) => {
  const body = `[[http.allow]]\nhost = "a.example"\n[[credentials]]\nsecret = "s"\ninject = ${text}\nhosts = ["a.example"]\n`
  expect(declared(body).credentials[0]?.inject).toEqual(injection)
})

const allow = '[[http.allow]]\nhost = "a.example"\n'
const credential = (rest: string): string => `${allow}[[credentials]]\nsecret = "s"\n${rest}\n`

describe('spec tools 14 row declaration: the whole file is refused, with key and line', () => {
  test.each<[string, string, string, number]>([
    ['an unknown key at the top', 'hosts = []\n', 'hosts', 6],
    ['an unknown table', '[network]\n', 'network', 6],
    ['an unknown limit', '[limits]\nfuel = 1\n', 'limits.fuel', 7],
    ['an unknown key of a rule', `${allow}paths = []\n`, 'http.allow[1].paths', 8],
    [
      'an unknown key of an injection',
      credential('inject = { type = "bearer", name = "x" }\nhosts = ["a.example"]'),
      'credentials[1].inject.name',
      10,
    ],
    ['a bare wildcard', '[[http.allow]]\nhost = "*"\n', 'http.allow[1].host', 7],
    ['a wildcard within', '[[http.allow]]\nhost = "a.*.example"\n', 'http.allow[1].host', 7],
    ['a wildcard that is no label', '[[http.allow]]\nhost = "*example.com"\n', 'http.allow[1].host', 7],
    ['a user', '[[http.allow]]\nhost = "user@a.example"\n', 'http.allow[1].host', 7],
    ['a port within the host', '[[http.allow]]\nhost = "a.example:8443"\n', 'http.allow[1].host', 7],
    ['a scheme within the host', '[[http.allow]]\nhost = "https://a.example"\n', 'http.allow[1].host', 7],
    [
      'a host of 254 bytes',
      `[[http.allow]]\nhost = "${`${'a'.repeat(49)}.`.repeat(5)}exam"\n`,
      'http.allow[1].host',
      7,
    ],
    ['no host', '[[http.allow]]\nmethods = ["GET"]\n', 'http.allow[1].host', 6],
    ['another scheme', '[[http.allow]]\nhost = "a.example"\nscheme = "ftp"\n', 'http.allow[1].scheme', 8],
    ['another method', `${allow}methods = ["TRACE"]\n`, 'http.allow[1].methods[1]', 8],
    ['no method', `${allow}methods = []\n`, 'http.allow[1].methods', 8],
    ['a prefix without its slash', `${allow}path_prefix = "v1"\n`, 'http.allow[1].path_prefix', 8],
    ['a prefix that climbs', `${allow}path_prefix = "/a/../b"\n`, 'http.allow[1].path_prefix', 8],
    ['an encoded prefix', `${allow}path_prefix = "/a%2Fb"\n`, 'http.allow[1].path_prefix', 8],
    ['a prefix with a query', `${allow}path_prefix = "/a?b"\n`, 'http.allow[1].path_prefix', 8],
    [
      'a credential host outside of the allowlist',
      credential('inject = { type = "bearer" }\nhosts = ["b.example"]'),
      'credentials[1].hosts[1]',
      11,
    ],
    [
      'a credential host with a wildcard',
      credential('inject = { type = "bearer" }\nhosts = ["*.example"]'),
      'credentials[1].hosts[1]',
      11,
    ],
    ['a credential without hosts', credential('inject = { type = "bearer" }'), 'credentials[1].hosts', 8],
    ['a credential without its injection', credential('hosts = ["a.example"]'), 'credentials[1].inject', 8],
    [
      'a header that is none',
      credential('inject = { type = "header", name = "a b" }\nhosts = ["a.example"]'),
      'credentials[1].inject.name',
      10,
    ],
    [
      'a user name with a colon',
      credential('inject = { type = "basic", username = "a:b" }\nhosts = ["a.example"]'),
      'credentials[1].inject.username',
      10,
    ],
    ['a secret pattern with a star within', '[secrets]\nvisible = ["a*b"]\n', 'secrets.visible[1]', 7],
    ['a bare star as secret', '[secrets]\nvisible = ["*"]\n', 'secrets.visible[1]', 7],
    ['a workspace path that climbs', '[workspace]\nread = ["../x"]\n', 'workspace.read[1]', 7],
    ['an absolute workspace path', '[workspace]\nread = ["/etc/"]\n', 'workspace.read[1]', 7],
    ['a limit over the maximum', '[limits]\ntimeout_ms = 300001\n', 'limits.timeout_ms', 7],
    ['memory over the maximum', '[limits]\nmemory_bytes = 268435457\n', 'limits.memory_bytes', 7],
    ['a limit of nothing', '[limits]\ninput_bytes = 0\n', 'limits.input_bytes', 7],
    ['four redirects', '[http]\nmax_redirects = 4\n', 'http.max_redirects', 7],
    ['a rate in words', '[http]\nrate = "60/min"\n', 'http.rate', 7],
    ['a misspelled rate', '[http]\nrate = { per_min = 5 }\n', 'http.rate.per_min', 7],
    ['an alias of no operation', '[tools]\nalias = { a = "Not An Id" }\n', 'tools.alias.a', 7],
  ])('%s', (_, body, key, line) => {
    expect(faultOf(body).details).toMatchObject({ key, line, file: '/b/tool.toml' })
  })

  test.each<[string, string, string]>([
    ['the same operation twice', operation + operation, 'operations[2].id'],
    ['no operation', '', 'operations'],
    ['an operation without id', '[[operations]]\ndescription = "x"\n', 'operations[1].id'],
    ['an unknown effect', `${operation}effects = ["root"]\n`, 'operations[1].effects[1]'],
    ['another permission', `${operation}permission = "yes"\n`, 'operations[1].permission'],
    ['a rule that is not there', `${operation}allow = [0]\n`, 'operations[1].allow[1]'],
    ['a secret that is not there', `${operation}credentials = ["x"]\n`, 'operations[1].credentials[1]'],
  ])('%s', (_, operations, key) => {
    expect(fault(head + operations).details).toMatchObject({ key })
  })

  test.each<[string, string, string, string]>([
    ['another schema', 'tool.v1', 'tool.v2', 'schema'],
    ['an id of other letters', '"github"', '"Git/Hub"', 'id'],
    ['a component outside of the package', 'github_tool.wasm', '../x.wasm', 'component'],
    ['another contract', 'near:agent@0.4.1', 'near:agent@0.3.0', 'wit'],
  ])('%s', (_, from, to, key) => {
    expect(fault(head.replace(from, to) + operation).details).toMatchObject({ key })
  })

  test('a key twice, and a file over 256 KiB', () => {
    expect(fault(`${head}id = "other"\n${operation}`).code).toBe('manifest.syntax')
    expect(fault(`${head}${operation}#${'x'.repeat(262_144)}`).code).toBe('manifest.syntax')
  })
})

describe('the same tables under [contract] of paddock.toml', () => {
  const paddock = (body: string): string =>
    `[module]\nname = "t"\ncomponent = "t.wasm"\n[contract]\nschema = "tool.v1"\n${body}`

  test('mean the same', () => {
    const manifest = read(
      paddock('[[contract.http.allow]]\nhost = "a.example"\n[[contract.operations]]\nid = "t.go"\n'),
      '/b/paddock.toml',
    )
    expect(readToolDeclaration(manifest)).toEqual({
      ...declared(allow),
      operations: [{ id: 't.go', description: '', effects: [], permission: 'allow' }],
    })
  })

  test('are refused alike, with key and line', () => {
    const text = paddock('[[contract.http.allow]]\nhost = "*"\n[[contract.operations]]\nid = "t.go"\n')
    expect(fault(text, '/b/paddock.toml').details).toMatchObject({
      key: 'contract.http.allow[1].host',
      line: 7,
    })
  })

  test('without them a module has one operation of its name, which may reach nothing', () => {
    const manifest = read('[module]\nname = "My Tool!"\ncomponent = "t.wasm"\n', '/b/paddock.toml')
    const declaration = readToolDeclaration(manifest)
    expect(declaration.operations.map(({ id }) => id)).toEqual(['my-tool-'])
    expect([declaration.http.allow, declaration.workspace.read, declaration.tools.alias]).toEqual([
      [],
      [],
      {},
    ])
  })
})
