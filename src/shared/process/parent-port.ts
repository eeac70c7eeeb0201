/**
 * The child's end of the channel to the process that started it.
 *
 * Under Electron a utility process talks over `process.parentPort`; under plain Node a forked child
 * talks over `process.send`. Typed structurally, so that neither Electron's nor Node's types are needed.
 */

/** The channel to the parent, the same under both launchers. */
export interface ParentChannel {
  /**
   * Sends one structured-cloneable message; dropped once the parent is gone. `sent` is called, never at once,
   * when the message has left this process or was dropped: only then may the process end itself.
   */
  post(message: unknown, sent?: () => void): void
  /** Registers a listener and returns its removal. */
  onMessage(listener: (message: unknown) => void): () => void
  /** Calls the listener once the parent is gone; a utility process dies with its parent by itself. */
  onDisconnect(listener: () => void): () => void
}

/** `process.parentPort` of an Electron utility process, as far as it is used here. */
export interface ParentPortLike {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown
  off(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown
}

/** The global `process`, as far as it is used here. */
export interface ChildProcessLike {
  readonly parentPort?: ParentPortLike | undefined
  readonly connected?: boolean | undefined
  send?(message: unknown, ...rest: never[]): boolean
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
}

interface ForkedProcess {
  send(message: unknown, done: () => void): boolean
}

/** The channel to the parent, or `undefined` where this process was started by hand. */
export function openParentChannel(process: ChildProcessLike): ParentChannel | undefined {
  if (process.parentPort !== undefined) return overParentPort(process.parentPort)
  if (typeof process.send === 'function') return overFork(process)
  return undefined
}

function overParentPort(port: ParentPortLike): ParentChannel {
  return {
    post(message, sent) {
      // Electron hands a message over before it returns.
      port.postMessage(message)
      if (sent !== undefined) void Promise.resolve().then(sent)
    },
    onMessage(listener) {
      const unwrap = (event: { readonly data: unknown }): void => listener(event.data)
      port.on('message', unwrap)
      return () => void port.off('message', unwrap)
    },
    onDisconnect: () => () => undefined,
  }
}

function overFork(process: ChildProcessLike): ParentChannel {
  return {
    post(message, sent) {
      if (process.connected === false) {
        if (sent !== undefined) void Promise.resolve().then(sent)
        return
      }
      // The channel may close between the check and the write; without a callback Node would emit 'error'.
      ;(process as ForkedProcess).send(message, () => sent?.())
    },
    onMessage(listener) {
      process.on('message', listener)
      return () => void process.off('message', listener)
    },
    onDisconnect(listener) {
      const once = (): void => {
        process.off('disconnect', once)
        listener()
      }
      process.on('disconnect', once)
      return () => void process.off('disconnect', once)
    },
  }
}
