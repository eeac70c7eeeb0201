/** Bounds of spec nexum-host 8.9. */
export { maxRemoteContentBytes as maxContentBytes } from '../../../shared/domain/limits.ts'
