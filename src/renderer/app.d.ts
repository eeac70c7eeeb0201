import type { PaddockBridge } from '../shared/ipc/client.ts'

declare global {
  interface Window {
    /** Put here by the preload script before any script of the page runs. */
    readonly paddock: PaddockBridge
  }
}
