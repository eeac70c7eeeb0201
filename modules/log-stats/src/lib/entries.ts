// What goes from stage to stage of this flow, as JSON.

export interface BlockEntry {
  readonly kind: 'block'
  readonly number: number
}

export interface TransferEntry {
  readonly kind: 'transfer'
  readonly block: number
  readonly token: string
  readonly from: string
  readonly to: string
  /** In the token's smallest unit, decimal: it may have 78 digits. */
  readonly amount: string
}

export type Entry = BlockEntry | TransferEntry

export interface TokenStatistics {
  readonly transfers: number
  readonly amount: string
}

export interface Statistics {
  /** Entries that were counted. */
  readonly entries: number
  readonly blocks: number
  readonly transfers: number
  readonly firstBlock: number
  readonly lastBlock: number
  readonly tokens: Readonly<Record<string, TokenStatistics>>
}
