const focusable =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex="0"]'

function targets(root: HTMLElement): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(focusable)].filter((element) => element.tabIndex >= 0)
}

/**
 * Moves focus into an element, on what carries `data-initial` or else the first control, and keeps Tab inside.
 * The returned function gives focus back to where it was.
 */
export function keepFocusInside(root: HTMLElement): () => void {
  const before = document.activeElement
  const initial = root.querySelector<HTMLElement>('[data-initial]') ?? targets(root)[0] ?? root
  // After the frame behind became inert, which would take the focus away again.
  queueMicrotask(() => initial.focus())

  function onkeydown(event: KeyboardEvent): void {
    if (event.key !== 'Tab') return
    const all = targets(root)
    const first = all[0]
    const last = all[all.length - 1]
    if (first === undefined || last === undefined) return
    const active = document.activeElement
    if (event.shiftKey && (active === first || active === root)) {
      event.preventDefault()
      last.focus()
    } else if (!event.shiftKey && active === last) {
      event.preventDefault()
      first.focus()
    }
  }

  root.addEventListener('keydown', onkeydown)
  return () => {
    root.removeEventListener('keydown', onkeydown)
    if (before instanceof HTMLElement) queueMicrotask(() => before.focus())
  }
}
