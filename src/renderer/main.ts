import './zod-setup.ts'
import { mount } from 'svelte'
import { createClient } from '../shared/ipc/client.ts'
import { toErrorReport } from '../shared/errors.ts'
import App from './app/App.svelte'
import { ConsoleState } from './state/console.svelte.ts'
import { paintRemembered } from './state/preferences.svelte.ts'

paintRemembered()

const { paddock } = window
const client = createClient(paddock)

function report(thrown: unknown): void {
  // Reporting must not fail in turn: without main there is nobody left to tell.
  client.console.fault(toErrorReport(thrown)).catch(() => undefined)
}

window.addEventListener('error', (event: ErrorEvent) => {
  // Without an error nothing was thrown: the browser tells that sizes will be observed in the next frame.
  if (event.error !== null && event.error !== undefined) report(event.error)
})
window.addEventListener('unhandledrejection', (event) => report(event.reason))

const target = document.getElementById('console')
if (target !== null) mount(App, { target, props: { state: new ConsoleState(client, paddock.files) } })
