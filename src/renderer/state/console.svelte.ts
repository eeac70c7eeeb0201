import { getContext, setContext } from 'svelte'
import type { PaddockBridge } from '../../shared/ipc/client.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'
import { Clock } from './clock.svelte.ts'
import { EngineState, silentAfterMs } from './engine.svelte.ts'
import { FlowsState } from './flows/flows-state.svelte.ts'
import { ApprovalQueue } from './guards/approvals.svelte.ts'
import { InstallFlow } from './install.svelte.ts'
import { Keys } from './keys.svelte.ts'
import { Operations } from './operations.svelte.ts'
import { PreferenceState } from './preferences.svelte.ts'
import { QueryRuns } from './query-runs.svelte.ts'
import { Router } from './route.svelte.ts'
import { SeriesState } from './series.svelte.ts'
import { ToastState } from './toasts.svelte.ts'
import { ToolDesk } from './tools/tool-desk.svelte.ts'

/** Everything the views share. */
export class ConsoleState {
  readonly client: PaddockClient
  readonly files: PaddockBridge['files']
  readonly clock = new Clock()
  readonly router = new Router()
  readonly keys = new Keys()
  readonly toasts = new ToastState()
  readonly engine: EngineState
  readonly series: SeriesState
  readonly preferences: PreferenceState
  readonly operations: Operations
  readonly install: InstallFlow
  /** Streams of elements through stages. */
  readonly flows: FlowsState
  /** Signatures that wait for the operator. */
  readonly approvals: ApprovalQueue
  /** What was asked of query modules in this session. */
  readonly queries: QueryRuns
  /** Tools and their secrets. */
  readonly tools: ToolDesk
  /** Dialogs open now; while there are any, the frame behind them is inert. */
  dialogs = $state(0)
  paletteOpen = $state(false)
  keySheetOpen = $state(false)

  constructor(client: PaddockClient, files: PaddockBridge['files']) {
    this.client = client
    this.files = files
    this.engine = new EngineState(client)
    this.series = new SeriesState(client)
    this.preferences = new PreferenceState(client)
    this.operations = new Operations(client, this.toasts)
    this.install = new InstallFlow(client, this.toasts)
    this.flows = new FlowsState(client, this.toasts, this.router)
    this.approvals = new ApprovalQueue(client, this.toasts)
    this.queries = new QueryRuns(client)
    this.tools = new ToolDesk(client, this.toasts)
  }

  /** How long the engine has been silent, in milliseconds; 0 while it is not. */
  get silentMs(): number {
    if (this.engine.phase !== 'ready') return 0
    const silent = this.clock.now - this.engine.heardAt
    return silent > silentAfterMs ? silent : 0
  }

  start(): () => void {
    const parts = [
      this.clock,
      this.router,
      this.preferences,
      this.engine,
      this.install,
      this.flows,
      this.approvals,
      this.tools,
    ]
    const stops = parts.map((part) => part.start())
    return () => {
      for (const stop of stops) stop()
    }
  }
}

const key = Symbol('console')

export function provideConsole(state: ConsoleState): void {
  setContext(key, state)
}

export function useConsole(): ConsoleState {
  return getContext<ConsoleState>(key)
}
