import { expect } from './fixtures.ts'
import type { Paddock } from './paddock.ts'

/** Gives the page this size, also one below the least that people can choose. A display may round by a pixel. */
export async function resize(paddock: Paddock, width: number, height: number): Promise<void> {
  await paddock.app.evaluate(
    ({ BrowserWindow }, size) => {
      const [window] = BrowserWindow.getAllWindows()
      window?.setMinimumSize(1, 1)
      window?.setContentSize(size.width, size.height)
    },
    { width, height },
  )
  await expect
    .poll(async () => Math.abs((await paddock.page.evaluate(() => window.innerWidth)) - width))
    .toBeLessThanOrEqual(1)
}
