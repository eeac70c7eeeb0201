/** Chain id of the local devnet; the one that development nodes share. */
export const devnetChainId = '31337'
