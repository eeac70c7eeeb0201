/** The console on its double, for looking at in a browser while working on it; not part of the app. */
import '../zod-setup.ts'
import { mount } from 'svelte'
import { PaddockError } from '../../shared/errors.ts'
import App from '../app/App.svelte'
import { ConsoleState } from '../state/console.svelte.ts'
import { paintRemembered } from '../state/preferences.svelte.ts'
import { ConsoleDouble } from './console-double.ts'
import { sampleDispatch, sampleLog } from './samples.ts'
import { busyMorning, firstRun } from './scenes.ts'

const wanted = new URLSearchParams(window.location.search)
const double = new ConsoleDouble(wanted.get('scene') === 'first' ? firstRun() : busyMorning())
const theme = wanted.get('theme')
double.preferences = { theme: theme === 'light' ? 'light' : 'dark', density: 'regular' }
double.badPaths.set(
  '/tmp/bad.wasm',
  new PaddockError(
    'component.digest_mismatch',
    'Its hash does not match the manifest. The file may be damaged or replaced.',
    {
      details: { manifest: '4be197d0…4f28b7a1', file: '90c2ee41…07d3fa55' },
    },
  ),
)

const texts = [
  'sweep: 214 orders watched, 0 expired',
  '3 ConditionalOrderCreated decoded',
  'tradeable: sell 14.2 WETH → USDC',
  'order rejected: InsufficientBalance, will retry next block',
]
for (let id = 0; id < 900; id += 1) {
  const name = double.snapshot.modules[id % Math.max(1, double.snapshot.modules.length)]?.name ?? null
  const isError = id % 61 === 0
  double.logs.push(
    sampleLog(id, {
      module: id % 3 === 0 ? 'twap-monitor' : name,
      time: Date.now() - (900 - id) * 731,
      level: isError ? 'error' : id % 17 === 0 ? 'warn' : id % 5 === 0 ? 'debug' : 'info',
      source: isError ? 'engine' : 'host_interface',
      message: isError
        ? 'eth_getLogs gave no answer in 30 s; event rolled back'
        : (texts[id % texts.length] ?? ''),
      eventType: 'block',
      chainId: '100',
      blockNumber: 47_386_000 + id,
      ...(isError ? { code: 'chain.timeout' } : {}),
    }),
  )
}
for (const { name } of double.snapshot.modules) {
  const list = Array.from({ length: 140 }, (_, index) => {
    const bad = index === 57
    return sampleDispatch(index, {
      startedAt: Date.now() - (140 - index) * 2_000,
      durationMs: bad ? 30_000 : index % 41 === 0 ? 240 : 4 + ((index * 7) % 23),
      ...(bad
        ? {
            result: 'rolled-back' as const,
            error: new PaddockError('chain.timeout', 'eth_call gave no answer in 30 s.').toReport(),
            writes: 0,
          }
        : {}),
    })
  })
  double.dispatches.set(name, list.reverse())
}
const encoder = new TextEncoder()
for (let index = 0; index < 640; index += 1) {
  const key =
    index % 3 === 0
      ? `block/${12_000 + index}`
      : `order/0x51c4a7e2b9f03d86e1aa5c7714bd62f0${index.toString(16).padStart(4, '0')}`
  double.store.set(
    key,
    encoder.encode(
      index % 3 === 0
        ? String(index * 17)
        : JSON.stringify({ part: index % 12, of: 12, sell: '14.2 WETH', validTo: 1_784_021_000 + index }),
    ),
  )
}
double.live()

paintRemembered()
const target = document.getElementById('console')
const state = new ConsoleState(double.client, { pathForFile: (file) => `/tmp/${file.name}` })
if (target !== null) mount(App, { target, props: { state } })
if (wanted.get('offer') !== null) state.install.offer([wanted.get('offer') ?? ''])
if (wanted.get('palette') !== null) state.paletteOpen = true
