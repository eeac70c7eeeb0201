/** Which logs a subscriber wants. */
export interface LogFilter {
  /** Lower-case hex, any of them; none means every address. */
  readonly addresses: readonly string[]
  /** By position: any of the values, or null for anything. */
  readonly topics: readonly (readonly string[] | null)[]
}

/** The same text for filters that match the same logs, however they were written. */
export function filterKey(filter: LogFilter): string {
  const { addresses, topics } = normalised(filter)
  return JSON.stringify([addresses, topics])
}

/** The filter as members of the parameter of `eth_getLogs` and of a `logs` subscription. */
export function filterMembers(filter: LogFilter): { address?: unknown; topics?: unknown } {
  const { addresses, topics } = normalised(filter)
  return {
    ...(addresses.length === 0 ? {} : { address: single(addresses) }),
    ...(topics.length === 0 ? {} : { topics: topics.map((values) => values && single(values)) }),
  }
}

function normalised(filter: LogFilter): LogFilter {
  const topics = filter.topics.map((values) => values && unique(values))
  // Positions at the end that take anything would demand that many topics.
  while (topics.length > 0 && topics[topics.length - 1] === null) topics.pop()
  return { addresses: unique(filter.addresses), topics }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values.map((value) => value.toLowerCase()))].sort()
}

function single(values: readonly string[]): unknown {
  return values.length === 1 ? values[0] : values
}
