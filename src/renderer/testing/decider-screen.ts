/** What tests of the deciders' screens share: a page over a double with orders, and hands that use it. */
import { render, screen, waitFor } from '@testing-library/svelte'
import axe from 'axe-core'
import { beforeAll, beforeEach, expect, vi } from 'vitest'
import App from '../app/App.svelte'
import { ConsoleState } from '../state/console.svelte.ts'
import { ConsoleDouble } from './console-double.ts'
import { sampleModule } from './samples.ts'
import { busyMorning } from './scenes.ts'

/** jsdom lays nothing out: what is watched is told that it has some height, so that lists show rows. */
class StandInObserver {
  private readonly listener: ResizeObserverCallback
  constructor(listener: ResizeObserverCallback) {
    this.listener = listener
  }
  observe(target: Element): void {
    const height = target.getAttribute('role') === 'feed' ? 600 : 52
    const entry = { target, contentRect: { width: 800, height } } as unknown as ResizeObserverEntry
    queueMicrotask(() => this.listener([entry], this))
  }
  unobserve(): void {}
  disconnect(): void {}
}

/** Gives jsdom what the screens need of a browser. Call once in a test file. */
export function standInBrowser(): void {
  beforeAll(() => {
    vi.stubGlobal('ResizeObserver', StandInObserver)
    vi.stubGlobal('matchMedia', () => ({
      matches: false,
      addEventListener: () => {},
      removeEventListener: () => {},
    }))
    Object.defineProperty(HTMLElement.prototype, 'offsetParent', { get: () => document.body })
    HTMLCanvasElement.prototype.getContext = () => null
    Element.prototype.scrollTo = () => {}
    Element.prototype.scrollIntoView = () => {}
    vi.stubGlobal('CSS', { escape: (text: string) => text.replaceAll('"', '\\"') })
  })
  beforeEach(() => {
    window.location.hash = ''
    localStorage.clear()
  })
}

/** A decider with an order of 14 events and one of 1. */
export function orders(): ConsoleDouble {
  const double = new ConsoleDouble(busyMorning())
  double.change({
    modules: [
      sampleModule('order-decider', {
        contract: { id: 'decider', title: 'Decider', world: 'trogon:decider/handler@0.3.0' },
      }),
    ],
  })
  double.deciders.execute('shop.orders.PlaceOrder', { order: '7f21', of: 12 })
  double.deciders.execute('shop.orders.SetPriceFloor', { order: '7f21', floor: '3380.00' })
  for (let part = 1; part <= 6; part += 1) {
    double.deciders.execute('shop.orders.ExecutePart', { order: '7f21', price: '3412.08', part })
  }
  double.deciders.execute('shop.orders.PlaceOrder', { order: '7f22', of: 3 })
  return double
}

export async function open(hash: string, double = orders()) {
  window.location.hash = hash
  const state = new ConsoleState(double.client, { pathForFile: (file) => `/tmp/${file.name}` })
  render(App, { state })
  await screen.findByRole('heading', { level: 1 })
  return { double, state }
}

export async function findings(): Promise<string[]> {
  // Colours and sizes need a layout; the end-to-end tests check those in a window.
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  })
  return result.violations.map(
    (each) => `${each.id}: ${each.nodes.map((node) => `${node.failureSummary} ${node.html}`).join(' | ')}`,
  )
}

export const region = (name: string | RegExp): HTMLElement => screen.getByRole('region', { name })

export function type(label: string | RegExp, text: string): void {
  const field = screen.getByLabelText<HTMLInputElement | HTMLTextAreaElement>(label)
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

export function choose(command: string): void {
  const select = screen.getByLabelText<HTMLSelectElement>('Type')
  select.value = `shop.orders.${command}`
  select.dispatchEvent(new Event('change', { bubbles: true }))
}

export async function press(name: string | RegExp): Promise<void> {
  const button = await screen.findByRole<HTMLButtonElement>('button', { name })
  await waitFor(() => expect(button.disabled).toBe(false))
  button.click()
}
