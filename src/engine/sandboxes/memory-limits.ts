/** How much memory a sandbox process may take, beside the guest's own linear memory. */

/**
 * Resident memory a sandbox process may have beyond the limit of its linear memory, in bytes. A sandbox with a small
 * guest was seen at 84 MiB; its V8 heap may reach its own cap (192 MiB) first, which has a reason of its own; compiled
 * code and the bytes of one call (64 MiB at most) come on top.
 */
export const residentOverheadBytes = 384 * 1024 * 1024

/** Resident bytes from which a sandbox whose module may use `memoryBytes` of linear memory is killed. */
export function residentLimitBytes(memoryBytes: number): number {
  return memoryBytes + residentOverheadBytes
}
