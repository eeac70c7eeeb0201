/** The listeners for metrics and health, as the operator set them: off unless asked for (spec nexum-host 14.2, 14.3). */
import type { Operator } from '../../../shared/domain/operator/operator.ts'
import type { MetricRegistry } from '../metrics/metric-registry.ts'
import { healthReport, isReady, type HealthInput } from './health.ts'
import { LoopbackServer, type Answer, type Route } from './loopback-server.ts'

export interface ObservabilityOptions {
  readonly metrics: MetricRegistry
  readonly health: () => HealthInput
}

/** Addresses in use; null where there is no listener. */
export interface ObservabilityAddresses {
  readonly metrics: string | null
  readonly health: string | null
}

type Wanted = Pick<Operator, 'metrics' | 'health'>

export class Observability {
  private readonly options: ObservabilityOptions
  private servers: LoopbackServer[] = []
  private taken: ObservabilityAddresses = { metrics: null, health: null }

  constructor(options: ObservabilityOptions) {
    this.options = options
  }

  get addresses(): ObservabilityAddresses {
    return this.taken
  }

  /** Puts the listeners as wanted; one address may serve both. Throws `settings.invalid` when one cannot be had. */
  async apply({ metrics, health }: Wanted): Promise<ObservabilityAddresses> {
    await this.close()
    const metricsRoute: [string, Route][] = metrics.enabled ? [[metrics.path, () => this.metricsText()]] : []
    const healthRoutes: [string, Route][] =
      health.listen === null
        ? []
        : [
            ['/health', () => this.health()],
            ['/ready', () => this.ready()],
          ]
    if (metrics.enabled && metrics.bindAddr === health.listen) {
      const both = await this.serve(metrics.bindAddr, [...metricsRoute, ...healthRoutes])
      this.taken = { metrics: both, health: both }
    } else {
      this.taken = {
        metrics: metrics.enabled ? await this.serve(metrics.bindAddr, metricsRoute) : null,
        health: health.listen === null ? null : await this.serve(health.listen, healthRoutes),
      }
    }
    return this.taken
  }

  async close(): Promise<void> {
    const servers = this.servers.splice(0)
    this.taken = { metrics: null, health: null }
    await Promise.all(servers.map((server) => server.close()))
  }

  private async serve(address: string, routes: readonly [string, Route][]): Promise<string> {
    const server = new LoopbackServer(new Map(routes))
    this.servers.push(server)
    return server.listen(address)
  }

  private async metricsText(): Promise<Answer> {
    const { metrics } = this.options
    return { status: 200, contentType: metrics.contentType, body: await metrics.text() }
  }

  private health(): Answer {
    const report = healthReport(this.options.health())
    return json(report.status === 'healthy' ? 200 : 503, report)
  }

  private ready(): Answer {
    const ready = isReady(this.options.health())
    return json(ready ? 200 : 503, { ready })
  }
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` }
}
