/** The remote-store capability as the operator set it. */
import path from 'node:path'
import { bytesToHex, type Hex } from 'viem'
import type { Operator } from '../../../shared/domain/operator/operator.ts'
import type { Clock } from '../../clock.ts'
import type { Capability } from '../capability.ts'
import { serviceSender } from '../services/service-http.ts'
import { remoteStoreFailure, type RemoteStoreBackend } from './backend.ts'
import { BeeBackend } from './bee/bee-backend.ts'
import { ContentStore } from './local/content-store.ts'
import { LocalBackend } from './local/local-backend.ts'
import { createRemoteStoreCapability } from './remote-store-capability.ts'
import { feedSigner, type FeedSigner } from './swarm/feed.ts'

export interface RemoteStoreOptions {
  readonly settings: Operator['remoteStore']
  /** Folder for what is kept on this machine. */
  readonly folder: string
  /** Built script of the content thread. */
  readonly threadEntry: string | URL
  readonly clock: Clock
}

export interface RemoteStore {
  /** Null when the operator switched it off, or when bee mode names no node. */
  readonly capability: Capability | null
  close(): Promise<void>
}

export function createRemoteStore(options: RemoteStoreOptions): RemoteStore {
  const { settings, folder, threadEntry, clock } = options
  if (settings.mode === 'off') return { capability: null, close: () => Promise.resolve() }
  const store = new ContentStore({
    entry: threadEntry,
    file: path.join(folder, 'content.db'),
    maxBytes: settings.maxBytes,
  })
  let signer: Promise<FeedSigner | null> | undefined
  const signerOfHost = (): Promise<FeedSigner | null> => (signer ??= makeSigner())
  const backend = backendOf()
  return {
    capability: backend === null ? null : createRemoteStoreCapability(backend),
    close: () => store.close(),
  }

  async function makeSigner(): Promise<FeedSigner | null> {
    if (settings.feedKey !== null) return configuredSigner(settings.feedKey as Hex)
    // What is signed for this machine alone needs no key that others know.
    return settings.mode === 'local' ? feedSigner(bytesToHex(await store.ownKey())) : null
  }

  function backendOf(): RemoteStoreBackend | null {
    if (settings.mode === 'local') return new LocalBackend(store, signerOfHost, clock)
    if (settings.api === null) return null
    return new BeeBackend({
      api: settings.api,
      postageBatch: settings.postageBatch,
      signer: signerOfHost,
      clock,
      cache: store,
      send: serviceSender('remote-store'),
    })
  }
}

/** What libraries say of a key that is out of range holds the key: none of it goes on. */
function configuredSigner(key: Hex): FeedSigner {
  try {
    return feedSigner(key)
  } catch {
    throw remoteStoreFailure('unsupported', 'The key for feeds is not usable.', { code: 501 })
  }
}
