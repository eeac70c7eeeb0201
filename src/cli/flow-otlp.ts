/** Spans in the JSON of the OpenTelemetry protocol, for tools that read it. */
import { randomBytes } from 'node:crypto'
import type { TraceSpan } from '../shared/contracts/flow.ts'

/** One `ExportTraceServiceRequest`; times are placed so that the last span ended now. */
export function otlpTrace(flow: string, spans: readonly TraceSpan[], nowMs = Date.now()): unknown {
  const traceId = randomBytes(16).toString('hex')
  const lastNs = spans.reduce((last, span) => Math.max(last, span.startNs + span.durationNs), 0)
  const baseNs = BigInt(Math.round(nowMs)) * 1_000_000n - BigInt(Math.round(lastNs))
  const known = new Set(spans.map(({ span }) => span))
  const at = (ns: number): string => String(baseNs + BigInt(Math.round(ns)))
  return {
    resourceSpans: [
      {
        resource: { attributes: [text('service.name', 'paddock'), text('flow.name', flow)] },
        scopeSpans: [
          {
            scope: { name: 'paddock.flow' },
            spans: spans.map((span) => ({
              traceId,
              spanId: span.span,
              ...(span.parent !== null && known.has(span.parent) ? { parentSpanId: span.parent } : {}),
              name: `${span.node}:${span.function}:${span.sequence}`,
              kind: 1,
              startTimeUnixNano: at(span.startNs),
              endTimeUnixNano: at(span.startNs + span.durationNs),
              attributes: [
                text('component.node', span.node),
                text('component.function', span.function),
                whole('element.sequence', span.sequence),
                text('outcome', span.outcome),
                whole('copies', span.copies.length),
                whole(
                  'copy_bytes',
                  span.copies.reduce((sum, { bytes }) => sum + bytes, 0),
                ),
              ],
              status: span.outcome === 'error' || span.outcome === 'trap' ? { code: 2 } : {},
            })),
          },
        ],
      },
    ],
  }
}

function text(key: string, value: string): unknown {
  return { key, value: { stringValue: value } }
}

function whole(key: string, value: number): unknown {
  return { key, value: { intValue: String(value) } }
}
