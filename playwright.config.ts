import { defineConfig } from '@playwright/test'

// `npm test -- e2e` provides the Electron (PADDOCK_ELECTRON, PADDOCK_ELECTRON_SWITCHES) and the display.
export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.test.ts',
  // One real window at a time: they share the display and measure time.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // `npm test` names every test that passed only so.
  retries: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  outputDir: 'test-results',
  reporter: [['list']],
  use: { trace: 'retain-on-failure', actionTimeout: 15_000 },
})
