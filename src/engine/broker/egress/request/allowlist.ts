/** Step 6: one rule must allow method, scheme, host, port and path (spec tools 2, 4). */
import type { HttpRule } from '../../../../shared/contracts/tool.ts'
import { Refusal } from '../failures.ts'
import type { HttpMethod } from './method-and-headers.ts'
import { isBelow } from './path-prefix.ts'
import type { Target } from './request-url.ts'

/** The first rule that allows the request. Throws `Refusal` (`policy_denied`); no rules allow nothing. */
export function checkAllowlist(rules: readonly HttpRule[], method: HttpMethod, target: Target): HttpRule {
  const rule = rules.find(
    (each) =>
      each.methods.includes(method) &&
      each.scheme === target.scheme &&
      each.port === target.port &&
      matchesHost(each.host, target.host) &&
      isBelow(target.url.pathname, each.pathPrefix),
  )
  if (rule === undefined) {
    throw new Refusal(
      'allowlist',
      'policy_denied',
      `No rule allows ${method} ${target.scheme} ${target.host}:${target.port} with this path.`,
    )
  }
  return rule
}

/** As the trace shows a rule: `api.github.com:443 GET /`. */
export function ruleText(rule: HttpRule, method: HttpMethod): string {
  return `${rule.host}:${rule.port} ${method} ${rule.pathPrefix}`
}

/** `*.a.b` is exactly one label before `.a.b`; anything else is the host itself. */
export function matchesHost(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (!wanted.startsWith('*.')) return wanted === host
  const suffix = wanted.slice(1)
  if (suffix.length < 2 || !host.endsWith(suffix)) return false
  const label = host.slice(0, -suffix.length)
  return label !== '' && !label.includes('.')
}
