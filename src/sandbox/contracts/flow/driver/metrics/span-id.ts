/** Ids of spans: 8 random digits of the run, 8 of the call's number, so that none is made before somebody reads it. */

const digits = 8

/** 16 hexadecimal digits; `prefix` are the first 8. */
export function spanIdOf(prefix: string, call: number): string {
  return prefix + (call >>> 0).toString(16).padStart(digits, '0')
}
