/** Finds connections of which nothing is heard any more: an end that a network swallows closes nothing by itself. */
import type { WebSocket } from 'ws'
import type { Clock } from '../../../clock.ts'

/** A connection is asked when it has been silent this long, and ended when it stays so as long again, in milliseconds. */
export const standardSilenceMs = 20_000

/** Terminates `socket` after two spans of silence; ends with the connection. */
export function watchSilence(socket: WebSocket, clock: Clock, silenceMs = standardSilenceMs): void {
  let wasHeard = true
  let cancel: () => void = () => undefined
  const heard = (): void => {
    wasHeard = true
  }
  const look = (): void => {
    if (!wasHeard) {
      socket.terminate()
      return
    }
    wasHeard = false
    if (socket.readyState === socket.OPEN) socket.ping()
    cancel = clock.after(silenceMs, look)
  }
  socket.on('pong', heard).on('ping', heard).on('message', heard)
  socket.on('close', () => cancel())
  cancel = clock.after(silenceMs, look)
}
