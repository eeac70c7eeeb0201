/** Where remote content is kept. References are Swarm addresses whatever the backend (spec nexum-host 8.9). */
import { HostFailure } from '../capability.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'

/** Arguments have their lengths checked: references and topics 32 bytes, owners 20. Each fails with `HostFailure`. */
export interface RemoteStoreBackend {
  upload(data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** Content that was checked against its reference. */
  download(reference: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** The newest data without its time, or undefined where there is none. */
  readFeed(owner: Uint8Array, topic: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  /** Answers the address of the chunk that was written. */
  writeFeed(topic: Uint8Array, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

export function remoteStoreFailure(
  kind: HostErrorKind,
  message: string,
  options: { readonly code?: number; readonly cause?: unknown } = {},
): HostFailure {
  return new HostFailure('remote-store', kind, message, options)
}
