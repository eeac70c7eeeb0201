/** What the operator's consent to a tool covers, as texts to compare with those of a later version (spec tools 2). */
import type { ToolDeclaration } from '../../../shared/contracts/tool.ts'

/** Each `kind:value`; `scopes.ts` of modules knows which of them cover others. */
export function toolScopes({
  http,
  credentials,
  visibleSecrets,
  workspace,
  tools,
  operations,
}: ToolDeclaration): string[] {
  return [
    ...http.allow.flatMap(({ methods, scheme, host, port, pathPrefix }) =>
      methods.map((method) => `request:${method} ${scheme}://${host}:${port}${pathPrefix}`),
    ),
    ...credentials.flatMap(({ secret, hosts }) => hosts.map((host) => `secret:${secret} ${host}`)),
    ...visibleSecrets.map((pattern) => `visible-secret:${pattern}`),
    ...workspace.read.map((pattern) => `workspace:${pattern}`),
    ...Object.values(tools.alias).map((operation) => `tool:${operation}`),
    ...operations.flatMap(({ effects }) => effects.map((effect) => `effect:${effect}`)),
    // A later version must not decide for itself that nobody is asked any more before it changes something.
    ...operations
      .filter(({ effects, permission }) => effects.includes('external_write') && permission === 'allow')
      .map(({ id }) => `unasked-write:${id}`),
  ]
}
