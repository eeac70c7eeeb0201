/** Makes the store's native addon fit for this Electron. */
export function sqlite(electronVersion: string | undefined): Promise<void>
