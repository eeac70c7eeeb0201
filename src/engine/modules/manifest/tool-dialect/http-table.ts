/** `[http]` and `[[credentials]]` of a tool's declaration (spec tools 2). */
import {
  httpMethods,
  type CredentialRule,
  type HttpRule,
  type Injection,
} from '../../../../shared/contracts/tool.ts'
import type { ToolDeclaration } from '../../../../shared/contracts/tool.ts'
import { quoted, type TableReader } from '../table-reader.ts'
import { headerName, hostPattern, literalHost, matchesHost, pathPrefix } from './patterns.ts'
import { bounded, checkedList, checkedText, rateOf, secretName } from './values.ts'

const mebibyte = 1_048_576
const maxRules = 256
const faultCode = 'manifest.wrong_type'
const methodsUnlessNamed = ['GET', 'HEAD'] as const

const hostRule = 'a host such as "api.example.com" or "*.example.com", without scheme, port or user'
const literalHostRule = 'a host without a wildcard, such as "api.example.com"'
const pathRule = 'a path that begins with "/", without "..", "%", "?", "#", "\\" or "//"'

export function readHttp(root: TableReader): ToolDeclaration['http'] {
  const table = root.child('http')
  const http: ToolDeclaration['http'] = {
    timeoutMs: bounded(table, 'timeout_ms', 30_000, 300_000),
    maxRequestBytes: bounded(table, 'max_request_bytes', mebibyte, 10 * mebibyte),
    maxResponseBytes: bounded(table, 'max_response_bytes', 10 * mebibyte, 10 * mebibyte),
    maxEgressBytes: table.integer('max_egress_bytes', 1) ?? null,
    maxRedirects: bounded(table, 'max_redirects', 3, 3, 0),
    requestsPerCall: bounded(table, 'requests_per_call', 50, 10_000),
    rate: rateOf(table),
    allow: table.children('allow', maxRules, faultCode).map(readRule),
  }
  table.finish()
  return http
}

function readRule(table: TableReader): HttpRule {
  const scheme = table.choice('scheme', ['https', 'http'] as const) ?? 'https'
  const host = checkedText(table, 'host', hostPattern, hostRule)
  const port = bounded(table, 'port', scheme === 'https' ? 443 : 80, 65_535)
  const prefix = table.has('path_prefix') ? checkedText(table, 'path_prefix', pathPrefix, pathRule) : '/'
  const methods = checkedList(
    table,
    'methods',
    (method) => httpMethods.find((known) => known === method) ?? null,
    `one of ${httpMethods.join(', ')}`,
  )
  if (table.has('methods') && methods.length === 0)
    throw table.fault('methods', 'is empty; name at least one')
  table.finish()
  return {
    scheme,
    host,
    port,
    pathPrefix: prefix,
    methods: table.has('methods') ? [...new Set(methods)] : [...methodsUnlessNamed],
  }
}

/** Credentials may go only where requests may go: each host must be covered by one of `allow`. */
export function readCredentials(root: TableReader, allow: readonly HttpRule[]): CredentialRule[] {
  return root.children('credentials', maxRules, faultCode).map((table) => {
    const secret = secretName(table, 'secret')
    const inject = readInjection(table)
    const hosts = checkedList(table, 'hosts', literalHost, literalHostRule)
    if (hosts.length === 0) throw table.fault('hosts', 'names no host; name each that the secret may go to')
    for (const [index, host] of hosts.entries()) {
      if (allow.some((rule) => matchesHost(rule.host, host))) continue
      throw table.faultAt(['hosts', index], `is ${quoted(host)}, which no [[http.allow]] covers`, { host })
    }
    const pathPrefixes = checkedList(table, 'path_prefixes', pathPrefix, pathRule)
    const required = table.boolean('required') ?? true
    table.finish()
    return { secret, inject, hosts: [...new Set(hosts)], pathPrefixes, required }
  })
}

const injectionTypes = ['bearer', 'header', 'query', 'basic', 'path'] as const

function readInjection(credential: TableReader): Injection {
  if (!credential.has('inject')) {
    throw credential.fault(
      'inject',
      'is missing; say how the secret is sent, for instance { type = "bearer" }',
    )
  }
  const table = credential.child('inject')
  const injection = readInjectionOf(table, table.choice('type', injectionTypes))
  table.finish()
  return injection
}

function readInjectionOf(table: TableReader, type: Injection['type'] | undefined): Injection {
  switch (type) {
    case undefined:
      throw table.fault('type', `is missing; it must be one of ${injectionTypes.join(', ')}`)
    case 'bearer':
      return { type }
    case 'header': {
      const name = checkedText(table, 'name', headerName, 'the name of a header')
      const prefix = table.has('prefix') ? checkedText(table, 'prefix', headerText, 'printable text') : ''
      return { type, name, prefix }
    }
    case 'query':
      return { type, name: checkedText(table, 'name', shortText, 'the name of a query parameter') }
    case 'basic': {
      const username = checkedText(table, 'username', userName, 'printable text without ":"')
      return { type, username }
    }
    case 'path':
      return {
        type,
        placeholder: checkedText(table, 'placeholder', placeholder, 'letters, digits, "_" or "-"'),
      }
  }
}

const headerText = (text: string): string | null => (/^[\x20-\x7e]{0,128}$/.test(text) ? text : null)
const userName = (text: string): string | null => (/^[\x20-\x39\x3b-\x7e]{1,256}$/.test(text) ? text : null)
const shortText = (text: string): string | null => (/^[\x21-\x7e]{1,128}$/.test(text) ? text : null)
const placeholder = (text: string): string | null => (/^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : null)
