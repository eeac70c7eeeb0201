/** Entry of a thread that owns databases. */
import { parentPort } from 'node:worker_threads'
import type { HandOver } from './messages.ts'
import { SqlOwner } from './owner.ts'

const owner = new SqlOwner()

parentPort?.on('message', (handOver: HandOver) => owner.accept(handOver))
