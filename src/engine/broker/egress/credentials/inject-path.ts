/** A credential in the path: `/bot{token}/send` or `/token/send` (spec tools 4 step 11). */
import { Refusal } from '../failures.ts'

/** Changes `url`. Throws `Refusal` (`invalid_url`, `credential_unavailable`). */
export function injectIntoPath(url: URL, placeholder: string, value: string, secret: string): void {
  const segments = url.pathname.split('/')
  const plain = encodedSegment(placeholder)
  const marks = [`{${placeholder}}`, encodedSegment(`{${placeholder}}`)]
  const mark = marks.find((each) => segments.some((segment) => segment.includes(each)))
  const whole = segments.filter((segment) => segment === plain || segment === placeholder).length
  const within =
    mark === undefined ? 0 : segments.reduce((sum, segment) => sum + segment.split(mark).length - 1, 0)
  if (placeholder === '' || whole + within !== 1) {
    throw new Refusal(
      'injection',
      'invalid_url',
      'The path must have the place of the credential exactly once.',
    )
  }
  const allowed = whole === 1 ? /^[A-Za-z0-9\-._~]+$/ : /^[A-Za-z0-9\-._~:]+$/
  if (!allowed.test(value) || /^\.+$/.test(value)) {
    throw new Refusal('injection', 'credential_unavailable', `${secret} has a character no path takes.`)
  }
  const filled = segments.map((segment) => {
    if (whole === 1) return segment === plain || segment === placeholder ? value : segment
    return mark === undefined ? segment : segment.split(mark).join(value)
  })
  const path = filled.join('/')
  url.pathname = path
  if (url.pathname !== path) throw new Refusal('injection', 'invalid_url', 'The credential changes the path.')
}

/** As the URL parser writes a segment. */
function encodedSegment(text: string): string {
  const url = new URL('http://host/')
  url.pathname = `/${text}`
  return url.pathname.slice(1)
}
