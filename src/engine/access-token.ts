/** Whether a text can be a token that one program shows another: 16 to 512 characters, none of them blank. */
export function isAccessToken(text: string): boolean {
  return /^[\x21-\x7e]{16,512}$/.test(text)
}
