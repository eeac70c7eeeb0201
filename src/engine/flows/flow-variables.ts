/**
 * What flow files may read of the environment unless the operator says otherwise: where the user's own settings are,
 * and variables named for flows. A file of somebody else names what it reads, so its own list guards nothing.
 */
export function flowVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) =>
      /^(?:(?:TORVYN|PADDOCK_FLOW)_.*|HOME|XDG_CONFIG_HOME)$/.test(name),
    ),
  )
}
