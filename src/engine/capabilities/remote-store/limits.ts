/** Bounds of spec nexum-host 8.9. */
export const maxContentBytes = 32 * 1024 * 1024
