import { untrack } from 'svelte'

/** A key or a sequence of two, as shown on the sheet: `G then O`, `Shift R`, `/`. */
export interface KeyBinding {
  readonly keys: string
  readonly label: string
  readonly run: () => void
}

/** How long the second key of a sequence may take. */
const sequenceMs = 1_200

const named: Readonly<Record<string, string>> = {
  ' ': 'Space',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
}

/** A key press as bindings name it; letters in upper case, modifiers first. */
export function pressOf(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey'>): string {
  const key = named[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key)
  const isLetter = /^[A-Z]$/.test(key)
  const shift = event.shiftKey && (isLetter || key.length > 1) ? 'Shift ' : ''
  return `${event.altKey ? 'Alt ' : ''}${shift}${key}`
}

/** Whether single keys belong to the element: it takes text. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'button', 'range'].includes(target.type)
  return (
    target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  )
}

/** The keys that act now: those of the frame, of the screen, and of what is open in it. */
export class Keys {
  /** Groups of bindings; later ones win. */
  groups = $state.raw<readonly { readonly title: string; readonly bindings: readonly KeyBinding[] }[]>([])
  #first: { readonly press: string; readonly at: number } | null = null

  /** Adds a group until the returned function is called. */
  add(title: string, bindings: readonly KeyBinding[]): () => void {
    const group = { title, bindings }
    // Called from effects, which must not run again because of what they add here.
    this.groups = [...untrack(() => this.groups), group]
    return () => {
      this.groups = this.groups.filter((other) => other !== group)
    }
  }

  /** Runs what a key press is bound to; true when something was. */
  handle(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.defaultPrevented || takesText(event.target)) return false
    const press = pressOf(event)
    if (event.target instanceof HTMLElement && isOwnKey(event.target, press)) return false
    const first = this.#first
    this.#first = null
    const sequence =
      first !== null && event.timeStamp - first.at < sequenceMs ? `${first.press} then ${press}` : null
    const binding = (sequence === null ? undefined : this.#find(sequence)) ?? this.#find(press)
    if (binding !== undefined) {
      binding.run()
      return true
    }
    if (this.#starts(press)) this.#first = { press, at: event.timeStamp }
    return false
  }

  #find(keys: string): KeyBinding | undefined {
    for (let index = this.groups.length - 1; index >= 0; index -= 1) {
      const found = this.groups[index]?.bindings.find((binding) => binding.keys === keys)
      if (found !== undefined) return found
    }
    return undefined
  }

  #starts(press: string): boolean {
    return this.groups.some((group) =>
      group.bindings.some((binding) => binding.keys.startsWith(`${press} then `)),
    )
  }
}

/** Keys that a focused control needs for itself. */
function isOwnKey(target: HTMLElement, press: string): boolean {
  if (press === 'Space' || press === 'Enter') {
    return (
      target.closest('button, a, input, summary, [role="tab"], [role="switch"], [role="menuitem"]') !== null
    )
  }
  return false
}
