/** An actor's database on a thread of its own: the same calls, each across the bridge. */
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { ActorFacts, ActorInfo } from '../../../../shared/contracts/actor.ts'
import type { StatementKind } from '../../../../shared/sandbox/protocol.ts'
import type { StatementMarks } from '../../../programs/guest-program.ts'
import type { ActorDatabase, InvocationEnd } from '../database/actor-database.ts'
import type { SqlOperation } from '../interfaces.ts'
import { BridgeClient, type BridgeConnection } from './bridge-client.ts'
import { tripleOf, type HandOver } from './messages.ts'

/** How much longer than its budget a call is waited for; the watchdog ends what is longer. Milliseconds. */
const slackMs = 5_000

/** Starts the owner's thread and hands the database over to it. */
export function bridgedDatabase(
  facts: ActorFacts,
  marks: StatementMarks,
  script: string | URL = join(__dirname, 'sql-owner.cjs'),
): ActorDatabase {
  const worker = new Worker(script)
  // The guest thread runs no event loop: what happens to the owner shows by its silence.
  worker.unref()
  worker.on('error', () => undefined)
  return new BridgedDatabase(facts, marks, new BridgeClient(tripleOf(facts), connect(worker, facts)))
}

/** Hands a database over to an owner and answers the guest's end. */
export function connect(owner: Pick<Worker, 'postMessage'>, facts: ActorFacts): BridgeConnection {
  const { port1, port2 } = new MessageChannel()
  const answered = new SharedArrayBuffer(4)
  const handOver: HandOver = { facts, port: port2, answered }
  owner.postMessage(handOver, [port2])
  return { port: port1, answered }
}

/** The way to the owner of the database: on another thread, or in another engine. */
export type DatabaseClient = Pick<BridgeClient, 'call' | 'forgetLost' | 'inTransaction'>

export class BridgedDatabase implements ActorDatabase {
  private readonly facts: ActorFacts
  private readonly marks: StatementMarks
  private readonly client: DatabaseClient

  constructor(facts: ActorFacts, marks: StatementMarks, client: DatabaseClient) {
    this.facts = facts
    this.marks = marks
    this.client = client
  }

  exec(...args: Parameters<ActorDatabase['exec']>): ReturnType<ActorDatabase['exec']> {
    return this.ask('exec', args, 'exec', 'script')
  }

  execute(...args: Parameters<ActorDatabase['execute']>): ReturnType<ActorDatabase['execute']> {
    return this.ask('execute', args, args[2] ? 'execute-write' : 'execute')
  }

  batch(...args: Parameters<ActorDatabase['batch']>): ReturnType<ActorDatabase['batch']> {
    return this.ask('batch', args, 'batch', 'script')
  }

  begin(...args: Parameters<ActorDatabase['begin']>): void {
    this.ask('begin', args, 'begin')
  }

  commit(): void {
    this.ask('commit', [], 'commit')
  }

  rollback(): void {
    this.ask('rollback', [], 'rollback')
  }

  inTransaction(): boolean {
    return this.client.inTransaction
  }

  info(): ReturnType<ActorDatabase['info']> {
    return this.ask('info', [], 'info')
  }

  keyGet(...args: Parameters<ActorDatabase['keyGet']>): ReturnType<ActorDatabase['keyGet']> {
    return this.ask('keyGet', args, 'key-value')
  }

  keySet(...args: Parameters<ActorDatabase['keySet']>): void {
    this.ask('keySet', args, 'key-value')
  }

  keyDelete(...args: Parameters<ActorDatabase['keyDelete']>): ReturnType<ActorDatabase['keyDelete']> {
    return this.ask('keyDelete', args, 'key-value')
  }

  keyList(...args: Parameters<ActorDatabase['keyList']>): ReturnType<ActorDatabase['keyList']> {
    return this.ask('keyList', args, 'key-value')
  }

  migrate(...args: Parameters<ActorDatabase['migrate']>): ReturnType<ActorDatabase['migrate']> {
    return this.ask('migrate', args, 'exec', 'migration')
  }

  endInvocation(): InvocationEnd {
    this.client.forgetLost()
    return this.ask('endInvocation', [], 'rollback')
  }

  stats(): ActorInfo {
    return this.ask('stats', [], 'info')
  }

  inspect(...args: Parameters<ActorDatabase['inspect']>): ReturnType<ActorDatabase['inspect']> {
    return this.ask('inspect', args, 'execute')
  }

  tables(): ReturnType<ActorDatabase['tables']> {
    return this.ask('tables', [], 'info')
  }

  rows(...args: Parameters<ActorDatabase['rows']>): ReturnType<ActorDatabase['rows']> {
    return this.ask('rows', args, 'execute')
  }

  backup(...args: Parameters<ActorDatabase['backup']>): ReturnType<ActorDatabase['backup']> {
    return this.ask('backup', args, 'info', 'maintenance')
  }

  export(...args: Parameters<ActorDatabase['export']>): ReturnType<ActorDatabase['export']> {
    return this.ask('export', args, 'info', 'maintenance')
  }

  import(...args: Parameters<ActorDatabase['import']>): ReturnType<ActorDatabase['import']> {
    return this.ask('import', args, 'info', 'maintenance')
  }

  /** The owner closes in order; its thread ends with the instance. */
  close(): void {
    this.ask('close', [], 'commit')
  }

  private ask<M extends keyof ActorDatabase>(
    method: M,
    args: readonly unknown[],
    operation: SqlOperation,
    kind: StatementKind = 'statement',
  ): ReturnType<ActorDatabase[M]> {
    const budgetMs = this.budgetOf(kind)
    // Whether it only reads, the owner alone knows; within a transaction nothing lasts anyway.
    this.marks.begin(kind, budgetMs, this.client.inTransaction && operation !== 'commit')
    try {
      return this.client.call(method, args, operation, budgetMs + slackMs) as ReturnType<ActorDatabase[M]>
    } finally {
      this.marks.end()
    }
  }

  private budgetOf(kind: StatementKind): number {
    const { budgets } = this.facts
    switch (kind) {
      case 'statement':
        return budgets.statementMs
      case 'script':
        return budgets.scriptMs
      case 'migration':
      case 'maintenance':
        return budgets.migrationMs
    }
  }
}
