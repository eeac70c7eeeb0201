import type { Locator, Page } from '@playwright/test'

/** The deciders' list, and one decider with its streams. */
export class Deciders {
  readonly page: Page
  readonly versions: Locator
  readonly projections: Locator
  readonly outcomes: Locator
  readonly prefix: Locator
  readonly streams: Locator
  readonly timeline: Locator
  readonly events: Locator
  readonly type: Locator
  readonly payload: Locator
  readonly options: Locator
  readonly expected: Locator
  readonly tryOnly: Locator
  readonly decide: Locator
  readonly result: Locator
  readonly slider: Locator
  readonly compare: Locator
  readonly difference: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.versions = main.getByRole('region', { name: 'Versions' })
    this.projections = main.getByRole('region', { name: 'Projections' })
    this.outcomes = main.getByRole('region', { name: 'Outcomes by code' })
    this.prefix = main.getByRole('searchbox', { name: 'Find a stream' })
    this.streams = main.getByRole('grid', { name: 'Streams' })
    this.timeline = main.getByRole('feed')
    this.events = this.timeline.getByRole('article')
    this.type = main.getByRole('combobox', { name: 'Type' })
    this.payload = main.getByRole('textbox', { name: 'Payload' })
    this.options = main.getByRole('button', { name: /^Options/ })
    this.expected = main.getByRole('textbox', { name: 'Expected revision' })
    this.tryOnly = main.getByRole('button', { name: 'Try only' })
    this.decide = main.getByRole('button', { name: /^Decide/ })
    this.result = main.getByRole('region', { name: 'Result' })
    this.slider = main.getByRole('slider', { name: 'Revision to fold to' })
    this.compare = main.getByRole('checkbox', { name: 'Compare with revision' })
    this.difference = main.getByRole('region', { name: 'Difference of the states' })
  }

  stream(id: string): Locator {
    return this.streams.getByRole('row', { name: new RegExp(`^${id} `) })
  }

  /** The bytes of the state at a revision. */
  state(revision: number): Locator {
    return this.page.getByRole('region', { name: `Bytes of the state at revision ${revision}`, exact: true })
  }

  /** Puts a command into the form. */
  async write(type: string, payload: object): Promise<void> {
    await this.type.selectOption({ label: type })
    await this.payload.fill(JSON.stringify(payload, null, 2))
  }

  async view(name: 'Events' | 'Snapshots' | 'Commands'): Promise<void> {
    await this.page
      .getByRole('group', { name: 'View' })
      .getByRole('button', { name: new RegExp(`^${name}`) })
      .click()
  }
}
