/** The imports of the world `actor`, each real or refusing by its linkage (spec actors-sql 17). */
import { PaddockError } from '../../../shared/errors.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import type { GuestServices } from '../contract.ts'
import type { GuestDatabase } from './database/actor-database.ts'
import { orFault, SqlFault } from './database/faults.ts'
import {
  clockInterface,
  databaseInterface,
  entropyInterface,
  keyValueInterface,
  loggingInterface,
} from './interfaces.ts'

/** Random bytes of one call; more are a trap. */
const maxEntropyBytes = 1024 * 1024
/** Characters of the fields of one log line. */
const maxFields = 32

/** What the host functions ask of the program. */
export interface HostContext {
  readonly services: Pick<
    GuestServices,
    'counts' | 'linkage' | 'log' | 'nowMs' | 'monotonicNs' | 'randomBytes'
  >
  /** The database of the actor. Throws `SqlFault` while there is none. */
  readonly database: () => GuestDatabase
  /** Throws `sandbox.trap` while imports must not be called: in `migrations()`. */
  readonly checkImports: () => void
}

/** Every interface of the world. */
export function actorHosts(context: HostContext): HostInterface[] {
  const { services } = context
  const hosts = [
    ['database', databaseHost(context)],
    ['key-value', keyValueHost(context)],
    ['logging', loggingHost(context)],
    ['clock', clockHost(context)],
    ['entropy', entropyHost(context)],
  ] as const
  return hosts.map(([capability, host]) => {
    // What was granted to an instance stays so as long as it lives.
    const isDenied = services.linkage(capability) !== 'provided'
    return services.counts.counted(capability, host, () => isDenied)
  })
}

/** The database as far as `capability` is granted. */
function granted(context: HostContext, capability: string): () => GuestDatabase {
  if (context.services.linkage(capability) === 'provided') {
    return () => {
      context.checkImports()
      return context.database()
    }
  }
  return () => {
    context.checkImports()
    throw new SqlFault({
      tag: 'not-configured',
      val: `the capability ${capability} is not granted to this module`,
    })
  }
}

function databaseHost(context: HostContext): HostInterface {
  const database = granted(context, 'database')
  return implement(databaseInterface, {
    exec: (sql) => orFault(() => ok(database().exec(sql))),
    execute: (sql, params) => orFault(() => ok(database().execute(sql, params, false))),
    executeWrite: (sql, params) => orFault(() => ok(database().execute(sql, params, true))),
    batch: (statements) => orFault(() => ok(database().batch(statements))),
    begin: (mode) =>
      orFault(() => {
        database().begin(mode)
        return ok()
      }),
    commit: () =>
      orFault(() => {
        database().commit()
        return ok()
      }),
    rollback: () =>
      orFault(() => {
        database().rollback()
        return ok()
      }),
    inTransaction: () => {
      try {
        return database().inTransaction()
      } catch (error) {
        if (error instanceof SqlFault) return false
        throw error
      }
    },
    info: () => orFault(() => ok(database().info())),
  })
}

function keyValueHost(context: HostContext): HostInterface {
  const database = granted(context, 'key-value')
  return implement(keyValueInterface, {
    get: (key) =>
      orFault(() => {
        const value = database().keyGet(key)
        return value === undefined ? ok() : ok(value)
      }),
    set: (key, value) =>
      orFault(() => {
        database().keySet(key, value)
        return ok()
      }),
    delete: (key) => orFault(() => ok(database().keyDelete(key))),
    keys: (prefix, after, limit) => orFault(() => ok(database().keyList(prefix, after, limit))),
  })
}

function loggingHost({ services, checkImports }: HostContext): HostInterface {
  const isGranted = services.linkage('logging') === 'provided'
  return implement(loggingInterface, {
    log: (level: LogLevel, message, fields) => {
      checkImports()
      if (!isGranted) return undefined
      const facts = fields.slice(0, maxFields).map(([name, value]) => ` ${name}=${value}`)
      services.log(level, message + facts.join(''))
      return undefined
    },
  })
}

function clockHost({ services, checkImports }: HostContext): HostInterface {
  const check = withoutErrorSide(services, 'clock', checkImports)
  return implement(clockInterface, {
    nowMs: () => {
      check()
      return Math.max(0, Math.floor(services.nowMs()))
    },
    monotonicMs: () => {
      check()
      return Number(services.monotonicNs()) / 1e6
    },
  })
}

function entropyHost({ services, checkImports }: HostContext): HostInterface {
  const check = withoutErrorSide(services, 'entropy', checkImports)
  return implement(entropyInterface, {
    bytes: (length) => {
      check()
      if (length > maxEntropyBytes) {
        throw new PaddockError(
          'sandbox.trap',
          `entropy.bytes was asked for more than ${maxEntropyBytes} bytes`,
        )
      }
      return services.randomBytes(length)
    },
  })
}

/** A function that cannot answer an error traps where its capability is not granted. */
function withoutErrorSide(
  services: HostContext['services'],
  capability: string,
  checkImports: () => void,
): () => void {
  const isGranted = services.linkage(capability) === 'provided'
  return () => {
    checkImports()
    if (!isGranted) {
      throw new PaddockError('sandbox.trap', `the capability ${capability} is not granted to this module`)
    }
  }
}
