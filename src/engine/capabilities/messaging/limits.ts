/** Bounds of spec nexum-host 8.10. */
export { maxMessageBytes as maxPayloadBytes } from '../../../shared/domain/limits.ts'
export const publishBurst = 50
export const publishesPerSecond = 10
export const defaultQueryLimit = 100
export const maxQueryLimit = 1_000
