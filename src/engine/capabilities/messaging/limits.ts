/** Bounds of spec nexum-host 8.10. */
export const maxPayloadBytes = 150 * 1024
export const publishBurst = 50
export const publishesPerSecond = 10
export const defaultQueryLimit = 100
export const maxQueryLimit = 1_000
