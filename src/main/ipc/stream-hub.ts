/** Streams to windows: batched at most ten times a second, bounded, with what was dropped counted (style 3). */
import type { WebContents } from 'electron'
import { channels } from '../../shared/ipc/envelope.ts'

const batchEveryMs = 100
const maxQueued = 2_000
/** A window that opens more has a fault. */
const maxStreamsPerWindow = 64

interface OpenStream {
  readonly contents: WebContents
  readonly id: string
  queue: unknown[]
  dropped: number
  timer: NodeJS.Timeout | undefined
  stop: () => void
}

type Push = (items: readonly unknown[], dropped: number) => void

export class StreamHub {
  private readonly streams = new Map<WebContents, Map<string, OpenStream>>()

  /** Starts a source for a window; it ends when closed or when the window goes. */
  open(contents: WebContents, id: string, start: (push: Push) => () => void): void {
    const ofWindow = this.ofWindow(contents)
    if (ofWindow.has(id) || ofWindow.size >= maxStreamsPerWindow) return
    const stream: OpenStream = {
      contents,
      id,
      queue: [],
      dropped: 0,
      timer: undefined,
      stop: () => undefined,
    }
    ofWindow.set(id, stream)
    stream.stop = start((items, dropped) => this.push(stream, items, dropped))
  }

  close(contents: WebContents, id: string): void {
    const ofWindow = this.streams.get(contents)
    const stream = ofWindow?.get(id)
    if (stream === undefined) return
    ofWindow?.delete(id)
    clearTimeout(stream.timer)
    stream.stop()
  }

  dispose(): void {
    for (const contents of [...this.streams.keys()]) this.closeAll(contents)
  }

  private ofWindow(contents: WebContents): Map<string, OpenStream> {
    const known = this.streams.get(contents)
    if (known !== undefined) return known
    const fresh = new Map<string, OpenStream>()
    this.streams.set(contents, fresh)
    contents.once('destroyed', () => this.closeAll(contents))
    // A reload of the page forgets its streams without closing them.
    contents.on('did-start-navigation', (details) => {
      if (details.isMainFrame && !details.isSameDocument) this.closeStreams(contents)
    })
    return fresh
  }

  private closeStreams(contents: WebContents): void {
    for (const id of [...(this.streams.get(contents)?.keys() ?? [])]) this.close(contents, id)
  }

  private closeAll(contents: WebContents): void {
    this.closeStreams(contents)
    this.streams.delete(contents)
  }

  private push(stream: OpenStream, items: readonly unknown[], dropped: number): void {
    stream.dropped += dropped
    for (const item of items) stream.queue.push(item)
    const excess = stream.queue.length - maxQueued
    if (excess > 0) {
      stream.queue.splice(0, excess)
      stream.dropped += excess
    }
    stream.timer ??= setTimeout(() => this.flush(stream), batchEveryMs)
  }

  private flush(stream: OpenStream): void {
    stream.timer = undefined
    const { contents, id, queue, dropped } = stream
    stream.queue = []
    stream.dropped = 0
    if (!contents.isDestroyed()) contents.send(channels.stream, id, queue, dropped)
  }
}
