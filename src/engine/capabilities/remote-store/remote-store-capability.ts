import { z } from 'zod'
import type { Capability } from '../capability.ts'
import { remoteStoreFailure, type RemoteStoreBackend } from './backend.ts'
import { maxContentBytes } from './limits.ts'
import { addressBytes } from './swarm/chunk.ts'
import { maxFeedDataBytes, ownerBytes } from './swarm/feed.ts'

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const oneArgument = z.tuple([bytes])
const twoArguments = z.tuple([bytes, bytes])

/** `nexum:host/remote-store`: lengths are checked here, before any backend (spec nexum-host 7.4, 8.9). */
export function createRemoteStoreCapability(backend: RemoteStoreBackend): Capability {
  return {
    name: 'remote-store',
    functions: {
      upload: async (args, { signal }) => {
        const [data] = checked(oneArgument, args)
        if (data.length > maxContentBytes) throw invalid('The content is larger than is allowed.')
        return backend.upload(data, signal)
      },
      download: async (args, { signal }) => {
        const [reference] = checked(oneArgument, args)
        exactly(reference, addressBytes, 'A reference')
        return backend.download(reference, signal)
      },
      'read-feed': async (args, { signal }) => {
        const [owner, topic] = checked(twoArguments, args)
        exactly(owner, ownerBytes, 'An owner')
        exactly(topic, addressBytes, 'A topic')
        return backend.readFeed(owner, topic, signal)
      },
      'write-feed': async (args, { signal }) => {
        const [topic, data] = checked(twoArguments, args)
        exactly(topic, addressBytes, 'A topic')
        if (data.length > maxFeedDataBytes)
          throw invalid(`An update holds at most ${maxFeedDataBytes} bytes.`)
        return backend.writeFeed(topic, data, signal)
      },
    },
  }
}

function checked<T>(schema: z.ZodType<T>, args: readonly unknown[]): T {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  throw invalid('The call does not have the shape of its interface.')
}

function exactly(value: Uint8Array, length: number, what: string): void {
  if (value.length !== length) throw invalid(`${what} has ${length} bytes, not ${value.length}.`)
}

function invalid(message: string): Error {
  return remoteStoreFailure('invalid-input', message)
}
