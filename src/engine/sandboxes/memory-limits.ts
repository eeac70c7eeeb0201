/** How much memory a sandbox process may take, beside the guest's own linear memory. */

/**
 * Resident memory a sandbox process may have beyond the limit of its linear memory, in bytes. Measured: a bare
 * sandbox takes 50 to 80 MiB, compiled code of the largest components about 100 MiB; the rest is the traffic of one call.
 */
export const residentOverheadBytes = 256 * 1024 * 1024

/** Resident bytes from which a sandbox whose module may use `memoryBytes` of linear memory is killed. */
export function residentLimitBytes(memoryBytes: number): number {
  return memoryBytes + residentOverheadBytes
}
