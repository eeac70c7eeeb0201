/** Opens the console on its double in a test. */
import { render, screen } from '@testing-library/svelte'
import axe from 'axe-core'
import { beforeAll, beforeEach, vi } from 'vitest'
import App from '../app/App.svelte'
import { ConsoleState } from '../state/console.svelte.ts'
import { ConsoleDouble } from './console-double.ts'
import { busyMorning } from './scenes.ts'

/** Stands in for what jsdom lacks: it lays nothing out, so that what watches sizes never reports. */
export function prepareBrowser(): void {
  beforeAll(() => {
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe(): void {}
        unobserve(): void {}
        disconnect(): void {}
      },
    )
    vi.stubGlobal('matchMedia', () => ({
      matches: false,
      addEventListener: () => {},
      removeEventListener: () => {},
    }))
    HTMLCanvasElement.prototype.getContext = () => null
    Element.prototype.scrollTo = () => {}
    Element.prototype.scrollIntoView = () => {}
    vi.stubGlobal('CSS', { escape: (text: string) => text })
  })
  beforeEach(() => {
    window.location.hash = ''
    localStorage.clear()
  })
}

export async function openConsole(hash: string, double = new ConsoleDouble(busyMorning())) {
  window.location.hash = hash
  const state = new ConsoleState(double.client, { pathForFile: (file) => `/tmp/${file.name}` })
  const view = render(App, { state })
  await screen.findByRole('heading', { level: 1 })
  return { double, state, view }
}

/** What hinders people, but for colours and sizes: those need a layout, which the end-to-end tests have. */
export async function axeFindings(root: Element): Promise<string[]> {
  const result = await axe.run(root, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  })
  return result.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' | ')}`)
}
