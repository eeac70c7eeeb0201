/** Figures that are read when Prometheus asks: modules as they stand, and the time since the start. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface ModuleFigure {
  readonly name: string
  readonly isLoaded: boolean
  readonly isDead: boolean
  readonly isPoisoned: boolean
  readonly restarts: number
  readonly consecutiveFailures: number
  readonly stateBytes: number | null
  readonly stateBytesLimit: number
  readonly memoryBytes: number | null
}

export interface EngineFigure {
  readonly uptimeSeconds: number
  readonly modules: readonly ModuleFigure[]
}

/** Registers what spec nexum-host 14.2 wants told of the state of things. */
export function observeEngine(registry: Registry, figures: () => EngineFigure): void {
  const registers = [registry]
  const total = (name: string, help: string, value: (figure: EngineFigure) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(figures()))
      },
    })
  }
  total('nexum_modules_loaded', 'Modules whose component is loaded.', ({ modules }) =>
    count(modules, 'isLoaded'),
  )
  total('nexum_modules_dead', 'Modules that are dead.', ({ modules }) => count(modules, 'isDead'))
  new Counter({
    name: 'nexum_uptime_seconds',
    help: 'Time since the engine started.',
    registers,
    collect() {
      this.reset()
      this.inc(figures().uptimeSeconds)
    },
  })
  const perModule = (name: string, help: string, value: (module: ModuleFigure) => number | null): void => {
    new Gauge({
      name,
      help,
      labelNames: ['module'],
      registers,
      collect() {
        this.reset()
        for (const module of figures().modules) {
          const figure = value(module)
          if (figure !== null) this.set({ module: module.name }, figure)
        }
      },
    })
  }
  for (const name of ['nexum_restarts_total', 'shepherd_module_restarts_total']) {
    new Counter({
      name,
      help: 'Restarts after a failure.',
      labelNames: ['module'],
      registers,
      collect() {
        this.reset()
        for (const module of figures().modules) this.inc({ module: module.name }, module.restarts)
      },
    })
  }
  perModule('nexum_consecutive_failures', 'Failures in a row.', (module) => module.consecutiveFailures)
  perModule('shepherd_module_poisoned', '1 when dead by too many failures.', ({ isPoisoned }) =>
    isPoisoned ? 1 : 0,
  )
  perModule('nexum_state_bytes_used', 'Size of the local store.', (module) => module.stateBytes)
  perModule('nexum_state_bytes_limit', 'Quota of the local store.', (module) => module.stateBytesLimit)
  perModule('nexum_memory_bytes_used', 'Linear memory in use.', (module) => module.memoryBytes)
}

function count(modules: readonly ModuleFigure[], key: 'isLoaded' | 'isDead'): number {
  return modules.filter((module) => module[key]).length
}
