/**
 * The page's only way out: one frozen object of named functions, generated from the IPC surface.
 * The page sees no channel name, no `ipcRenderer` and no event object (style 3).
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { channels, type Envelope } from '../shared/ipc/envelope.ts'
import { ipcSurface } from '../shared/ipc/surface.ts'

type BridgeFunction = ReturnType<(typeof makers)[keyof typeof makers]>

let nextStream = 1
const streams = new Map<string, (items: unknown[], dropped: number) => void>()
const events = new Map<string, Set<(payload: unknown) => void>>()

ipcRenderer.on(channels.event, (_event, group: string, name: string, payload: unknown) => {
  for (const listener of events.get(`${group}.${name}`) ?? []) listener(payload)
})

ipcRenderer.on(channels.stream, (_event, id: string, items: unknown[], dropped: number) => {
  streams.get(id)?.(items, dropped)
})

/** Errors lose their class on the way into the page, so the envelope goes through as data. */
function call(group: string, name: string): (input: unknown) => Promise<unknown> {
  return (input) => ipcRenderer.invoke(channels.call, group, name, input) as Promise<Envelope>
}

function subscribe(group: string, name: string): (listener: (payload: unknown) => void) => () => void {
  return (listener) => {
    const key = `${group}.${name}`
    const listeners = events.get(key) ?? new Set()
    events.set(key, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
}

function openStream(
  group: string,
  name: string,
): (input: unknown, listener: (items: unknown[], dropped: number) => void) => () => void {
  return (input, listener) => {
    const id = String(nextStream++)
    streams.set(id, listener)
    void ipcRenderer.invoke(channels.stream, 'open', id, group, name, input)
    return () => {
      streams.delete(id)
      void ipcRenderer.invoke(channels.stream, 'close', id)
    }
  }
}

const makers = { call, event: subscribe, stream: openStream }

function buildBridge(): Record<string, Record<string, BridgeFunction>> {
  const bridge: Record<string, Record<string, BridgeFunction>> = {}
  for (const [group, members] of Object.entries(ipcSurface)) {
    const functions: Record<string, BridgeFunction> = {}
    for (const [name, kind] of Object.entries(members)) {
      functions[name] = makers[kind](group, name)
    }
    bridge[group] = Object.freeze(functions)
  }
  return Object.freeze(bridge)
}

/** Where a dropped file lies; Electron before 32 keeps it on the file itself. */
function pathForFile(file: File & { readonly path?: string }): string {
  const utilities = webUtils as typeof webUtils | undefined
  return utilities?.getPathForFile(file) ?? file.path ?? ''
}

contextBridge.exposeInMainWorld('paddock', { ipc: buildBridge(), files: Object.freeze({ pathForFile }) })
