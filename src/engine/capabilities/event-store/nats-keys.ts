/** Snapshots and projections: keys beside the decisions, each written on its own. */
import { Buffer } from 'node:buffer'
import type {
  NewSnapshot,
  Projection,
  SnapshotAnswer,
  SnapshotInfo,
  SnapshotKey,
} from '../../../event-store/event-store.ts'
import { z } from 'zod'
import type { Message, Server } from './server.ts'
import type { Subjects } from './subjects.ts'

const snapshotHeader = 'Paddock-Snapshot'
const count = z.number().int().min(0)
const snapshotSchema = z.object({
  streamId: z.string(),
  moduleVersion: z.string(),
  artifact: z.string(),
  revision: count.min(1),
  /** Message of the decision that holds the revision. */
  sequence: count,
  takenAt: count,
})
type SnapshotHead = z.infer<typeof snapshotSchema>
const projectionSchema = z.object({
  name: z.string(),
  position: count,
  updatedAt: count,
  error: z.string().nullable(),
})

export type FoundSnapshot =
  | { readonly answer: Exclude<SnapshotAnswer, { kind: 'hit' }>; readonly sequence: null }
  | { readonly answer: Extract<SnapshotAnswer, { kind: 'hit' }>; readonly sequence: number }

export class NatsKeys {
  private readonly server: Server
  private readonly subjects: Subjects

  constructor(server: Server, subjects: Subjects) {
    this.server = server
    this.subjects = subjects
  }

  async snapshot(key: SnapshotKey): Promise<FoundSnapshot> {
    const message = await this.server.key(this.subjects.snapshot(key.streamId, key.moduleVersion))
    if (message === null) return { answer: { kind: 'miss' }, sequence: null }
    const head = snapshotHead(message)
    if (head === null)
      return { answer: { kind: 'unreadable', reason: 'its header is damaged' }, sequence: null }
    const { artifact, revision, takenAt, sequence } = head
    if (artifact !== key.artifact) return { answer: { kind: 'other-artifact', artifact }, sequence: null }
    return { answer: { kind: 'hit', revision, takenAt, payload: message.data }, sequence }
  }

  async snapshotsOf(streamId: string | null): Promise<SnapshotInfo[]> {
    const filter = streamId === null ? this.subjects.allSnapshots : `${this.subjects.snapshots(streamId)}.*`
    const found = await this.server.keys(filter)
    return found
      .flatMap((message) => {
        const head = snapshotHead(message)
        if (head === null) return []
        const { sequence: _, ...info } = head
        return [{ ...info, sizeBytes: message.data.length }]
      })
      .sort((a, b) => (a.moduleVersion < b.moduleVersion ? -1 : 1))
  }

  /** Stores it unless a newer one of the same artifact is there (spec decider 6, "Never older"). */
  async storeSnapshot(snapshot: NewSnapshot, sequence: number, takenAt: number): Promise<'stored' | 'older'> {
    const subject = this.subjects.snapshot(snapshot.streamId, snapshot.moduleVersion)
    const { payload, ...identity } = snapshot
    const head: SnapshotHead = { ...identity, sequence, takenAt }
    const header = { [snapshotHeader]: Buffer.from(JSON.stringify(head), 'utf8').toString('base64url') }
    for (;;) {
      const known = await this.server.key(subject)
      const other = known === null ? null : snapshotHead(known)
      if (other !== null && other.artifact === snapshot.artifact && other.revision >= snapshot.revision) {
        return 'older'
      }
      if (await this.server.setKey(subject, payload, header, known?.seq ?? 0)) return 'stored'
    }
  }

  async deleteSnapshot(streamId: string, moduleVersion: string): Promise<boolean> {
    return this.server.dropKey(this.subjects.snapshot(streamId, moduleVersion))
  }

  async projection(name: string): Promise<Projection | null> {
    const message = await this.server.key(this.subjects.projection(name))
    return message === null ? null : projectionOf(message)
  }

  async projections(): Promise<Projection[]> {
    const found = await this.server.keys(this.subjects.allProjections)
    return found
      .map(projectionOf)
      .filter((projection) => projection !== null)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async setProjection(projection: Projection): Promise<void> {
    const data = Buffer.from(JSON.stringify(projection), 'utf8')
    await this.server.setKey(this.subjects.projection(projection.name), data)
  }

  async deleteProjection(name: string): Promise<void> {
    await this.server.dropKey(this.subjects.projection(name))
  }
}

function snapshotHead(message: Message): SnapshotHead | null {
  const text = message.headers.get(snapshotHeader)
  const parsed = snapshotSchema.safeParse(
    text === undefined ? null : json(Buffer.from(text, 'base64url').toString('utf8')),
  )
  return parsed.success ? parsed.data : null
}

function projectionOf(message: Message): Projection | null {
  const parsed = projectionSchema.safeParse(json(Buffer.from(message.data).toString('utf8')))
  return parsed.success ? parsed.data : null
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
