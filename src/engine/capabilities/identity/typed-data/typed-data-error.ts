/** A typed-data document that cannot be signed; the message names the place within it. */
export class TypedDataError extends Error {
  constructor(place: string, problem: string) {
    super(`The typed data cannot be signed: ${place.slice(0, 256)} ${problem}.`)
    this.name = 'TypedDataError'
  }
}
