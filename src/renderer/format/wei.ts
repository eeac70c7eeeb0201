/** Wei as ether with every digit that is not a trailing zero: money is never rounded. */
export function etherOf(wei: string): string {
  if (!/^\d+$/.test(wei)) return wei
  const padded = wei.padStart(19, '0')
  const whole = padded.slice(0, -18)
  const part = padded.slice(-18).replace(/0+$/, '')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return part === '' ? grouped : `${grouped}.${part}`
}

/** An address that loses its middle, never an end. */
export function shortAddress(address: string): string {
  return address.length <= 14 ? address : `${address.slice(0, 6)}…${address.slice(-4)}`
}
