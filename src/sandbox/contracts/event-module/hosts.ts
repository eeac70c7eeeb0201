/** The imports of the worlds `event-module` and `shepherd`: real where provided, stubs elsewhere. */
import { z } from 'zod'
import { maxChainBatchEntries, maxChainCallCharacters } from '../../../shared/domain/limits.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { hostErrorSchema } from '../../../shared/sandbox/host-error.ts'
import type { Linkage } from '../../../shared/sandbox/protocol.ts'
import { err, implement, ok, type HostInterface, type InterfaceType } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { ModuleStore } from '../../store/module-store.ts'
import type { GuestServices } from '../contract.ts'
import { cowApiHost } from './cow-api-host.ts'
import { orRefusal, toGuestError } from './host-errors.ts'
import { httpHost } from './http-host.ts'
import { identityHost } from './identity-host.ts'
import {
  chainInterface,
  clockInterface,
  cowApiInterface,
  httpInterface,
  identityInterface,
  localStoreInterface,
  loggingInterface,
  messagingInterface,
  randomInterface,
  remoteStoreInterface,
} from './interfaces.ts'
import { messagingHost } from './messaging-host.ts'
import { remoteStoreHost } from './remote-store-host.ts'
import { stubInterface } from './stubs.ts'

interface HostEntry {
  readonly capability: string
  readonly type: InterfaceType
  /** Absent where no implementation exists: the interface is then a stub whatever its linkage says. */
  readonly provide?: (services: GuestServices) => HostInterface
}

const entries: readonly HostEntry[] = [
  { capability: 'chain', type: chainInterface, provide: chainHost },
  { capability: 'local-store', type: localStoreInterface, provide: localStoreHost },
  { capability: 'logging', type: loggingInterface, provide: loggingHost },
  { capability: 'clock', type: clockInterface, provide: clockHost },
  { capability: 'random', type: randomInterface, provide: randomHost },
  { capability: 'identity', type: identityInterface, provide: identityHost },
  { capability: 'http', type: httpInterface, provide: httpHost },
  { capability: 'messaging', type: messagingInterface, provide: messagingHost },
  { capability: 'remote-store', type: remoteStoreInterface, provide: remoteStoreHost },
  { capability: 'cow-api', type: cowApiInterface, provide: cowApiHost },
]

/** Every interface of the contract's worlds, linked as the engine decided. */
export function eventModuleHosts(services: GuestServices): HostInterface[] {
  return entries.map((entry) => {
    const { capability } = entry
    const isDenied = (): boolean => services.linkage(capability) === 'denied'
    return services.counts.counted(capability, linked(entry, services), isDenied)
  })
}

/** Answers each call as the capability is linked then: grants change while the guest runs. */
function linked({ capability, type, provide }: HostEntry, services: GuestServices): HostInterface {
  const unsupported = stubInterface(type, capability, 'unsupported')
  const denied = stubInterface(type, capability, 'denied')
  let provided: HostInterface | undefined
  const host = (linkage: Linkage): HostInterface => {
    if (linkage !== 'provided') return linkage === 'denied' ? denied : unsupported
    provided ??= provide?.(services) ?? unsupported
    return provided
  }
  const functions = Object.keys(type.functions).map((name) => [
    name,
    (...params: never[]): unknown => host(services.linkage(capability)).functions[name]?.(...params),
  ])
  return { type, functions: Object.fromEntries(functions) as HostInterface['functions'] }
}

const batchAnswer = z.array(
  z.discriminatedUnion('tag', [
    z.object({ tag: z.literal('ok'), val: z.string() }),
    z.object({ tag: z.literal('err'), val: hostErrorSchema }),
  ]),
)

function chainHost(services: GuestServices): HostInterface {
  const ask = <T>(schema: z.ZodType<T>, name: string, args: unknown[]): T => {
    const parsed = schema.safeParse(services.callHost('chain', name, args))
    if (parsed.success) return parsed.data
    throw HostRefusal.of('chain', 'internal', 0, 'the host gave a malformed answer')
  }
  return implement(chainInterface, {
    request: (chainId, method, params) =>
      orRefusal(() => {
        refuseOversized([{ method, params }])
        return ok(ask(z.string(), 'request', [chainId, method, params]))
      }),
    requestBatch: (chainId, requests) =>
      orRefusal(() => {
        refuseOversized(requests)
        const answers = ask(batchAnswer, 'request-batch', [chainId, requests])
        if (answers.length !== requests.length) {
          throw HostRefusal.of('chain', 'internal', 0, 'the host gave a malformed answer')
        }
        return ok(
          answers.map((answer) => (answer.tag === 'ok' ? ok(answer.val) : err(toGuestError(answer.val)))),
        )
      }),
  })
}

/** What is too large ends here, before it is copied to a thread or a process that others wait for as well. */
function refuseOversized(requests: readonly { readonly method: string; readonly params: string }[]): void {
  const refuse = (message: string): never => {
    throw HostRefusal.of('chain', 'invalid-input', 0, message)
  }
  if (requests.length > maxChainBatchEntries) refuse('The batch has more entries than are allowed.')
  let characters = 0
  for (const { method, params } of requests) characters += method.length + params.length
  if (characters > maxChainCallCharacters) refuse('The request is larger than is allowed.')
}

function localStoreHost(services: GuestServices): HostInterface {
  const store = requireStore(services.store)
  return implement(localStoreInterface, {
    get: (key) =>
      orRefusal(() => {
        const value = store.get(key)
        return value === undefined ? ok() : ok(value)
      }),
    set: (key, value) =>
      orRefusal(() => {
        store.set(key, value)
        return ok()
      }),
    delete: (key) =>
      orRefusal(() => {
        store.delete(key)
        return ok()
      }),
    listKeys: (prefix) => orRefusal(() => ok(store.listKeys(prefix))),
  })
}

function requireStore(store: ModuleStore | null): ModuleStore {
  if (store === null) throw new PaddockError('internal.bug', 'The module was loaded without its store.')
  return store
}

function loggingHost(services: GuestServices): HostInterface {
  return implement(loggingInterface, {
    log: (level, message) => {
      services.log(level, message)
      return undefined
    },
  })
}

function clockHost(services: GuestServices): HostInterface {
  return implement(clockInterface, {
    nowMs: () => BigInt(Math.max(0, Math.floor(services.nowMs()))),
    monotonicNs: () => services.monotonicNs(),
  })
}

/** More random bytes at once are a trap (spec nexum-host 8.4). */
const maxRandomBytes = 1024 * 1024

function randomHost(services: GuestServices): HostInterface {
  return implement(randomInterface, {
    fill: (length) => {
      if (length > maxRandomBytes) {
        throw new PaddockError('sandbox.trap', `random.fill was asked for more than ${maxRandomBytes} bytes`)
      }
      try {
        return services.randomBytes(length)
      } catch {
        throw new PaddockError('sandbox.trap', 'random.fill: the platform has no random bytes')
      }
    },
  })
}
