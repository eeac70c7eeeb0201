import type { Locator, Page } from '@playwright/test'

/** The screens of flows: the list, and one flow with its graph, trace and file. */
export class Flows {
  readonly page: Page
  readonly main: Locator
  readonly add: Locator
  readonly consent: Locator
  readonly state: Locator
  readonly graph: Locator
  readonly stages: Locator
  readonly side: Locator
  readonly toggle: Locator
  readonly drain: Locator
  readonly more: Locator
  readonly text: Locator
  readonly problems: Locator
  readonly save: Locator
  readonly revert: Locator
  readonly trace: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.main = main
    this.add = main.getByRole('button', { name: 'Add flow' })
    this.consent = page.getByRole('dialog', { name: /^(Add|Allow the changed) / })
    this.state = main.locator('.screen-head .state')
    this.graph = main.getByRole('region', { name: 'Graph' })
    this.stages = main.getByRole('grid', { name: 'Stages' })
    this.side = main.getByRole('region', { name: /^Facts of / })
    this.toggle = main.getByRole('button', { name: /^(Start|Pause|Go on)$/ })
    this.drain = main.getByRole('button', { name: 'Drain and stop' })
    this.more = main.getByRole('button', { name: 'More actions' })
    this.text = main.getByRole('textbox', { name: 'Text of the flow file' })
    this.problems = main.getByRole('region', { name: 'Problems' })
    this.save = main.getByRole('button', { name: 'Save' })
    this.revert = main.getByRole('button', { name: 'Revert' })
    this.trace = main.getByRole('treegrid', { name: /^Elements/ })
  }

  async addFrom(kind: 'file' | 'folder'): Promise<void> {
    await this.add.first().click()
    await this.page
      .getByRole('menuitem', { name: kind === 'file' ? 'From a flow file' : 'From a folder' })
      .click()
  }

  async part(name: 'Live' | 'Trace' | 'File'): Promise<void> {
    await this.main.getByRole('group', { name: 'Part' }).getByRole('button', { name }).click()
  }

  stage(name: string): Locator {
    return this.graph.locator(`[data-stage="${name}"]`)
  }

  /** Elements that a stage has handled, as the side panel has them. */
  async elements(): Promise<number> {
    const text = (await this.side.locator('dd').nth(1).innerText()).replace(/[\s\u202f]/g, '')
    return Number(/^\d+/.exec(text)?.[0] ?? '0')
  }
}
