import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../../shared/errors.ts'
import { openPayloadSchema } from '../../../../shared/contracts/actor.ts'
import { methodFeatures, remoteFactsSchema, remoteMethods, type ToGuest, type ToHost } from './messages.ts'
import { fromWire, toWire } from './values.ts'
import { commonVersion, decodeToGuest, decodeToHost, encodeToGuest, encodeToHost } from './versions.ts'

const facts = remoteFactsSchema.parse({
  namespace: 'm',
  actorId: 'a',
  key: ['a'],
  generation: 1,
  synchronous: 'normal',
  quotaBytes: 1_048_576,
  limits: openPayloadSchema.shape.limits.parse({}),
  budgets: openPayloadSchema.shape.budgets.parse({}),
})
const triple = { namespace: 'm', actorId: 'a', generation: 1 }
const toHost: ToHost[] = [
  { type: 'hello', minimum: 1, maximum: 2, features: ['sql'] },
  { type: 'announce', id: 1, facts },
  { type: 'retire', id: 2, ...triple },
  { type: 'destroy', id: 3, ...triple },
  ...remoteMethods.map((method, index): ToHost => ({
    type: 'sql',
    id: index + 4,
    ...triple,
    method,
    args: ['x', 2n ** 62n, new Uint8Array([0, 255]), undefined, null, -0, { tag: 'real', val: Infinity }],
  })),
]
const report = new PaddockError('sqlite.closed', 'Closed.').toReport()
const answer = (outcome: Extract<ToGuest, { type: 'answer' }>['answer']['outcome']): ToGuest => ({
  type: 'answer',
  id: 9,
  answer: { outcome, inTransaction: true, closed: false },
})
const toGuest: ToGuest[] = [
  { type: 'welcome', version: 2, features: ['sql'] },
  { type: 'refused', error: report },
  { type: 'done', id: 1, error: null },
  { type: 'done', id: 1, error: report },
  answer({ kind: 'value', value: [1n, new Uint8Array(3), undefined] }),
  answer({ kind: 'fault', error: { tag: 'closed' } }),
  answer({ kind: 'fault', error: { tag: 'overloaded', val: { capacity: 128, waiting: 128 } } }),
  answer({ kind: 'report', error: report }),
  answer({ kind: 'bug', message: 'x' }),
]

describe('spec actors-sql 20: versions', () => {
  const pairings = [1, 2].flatMap((guest) => [1, 2].map((host) => [guest, host] as const))

  it.each(pairings)(
    'guest side of version %i, host side of version %i: every message both ways',
    (guest, host) => {
      const version = commonVersion({ minimum: 1, maximum: host }, { minimum: 1, maximum: guest }) ?? 0
      expect(version).toBe(Math.min(guest, host))
      for (const message of toHost) {
        const feature = message.type === 'sql' ? methodFeatures[message.method] : 'sql'
        const attempt = () => decodeToHost(encodeToHost(message, version), version)
        if (version === 1 && feature !== 'sql') {
          expect(attempt).toThrow(
            expect.objectContaining({
              code: 'sqlite.remote_unavailable',
              details: { feature, direction: 'to-host', requiredVersion: 2, targetVersion: 1 },
            }),
          )
        } else expect(attempt()).toEqual(message)
      }
      for (const message of toGuest) {
        expect(decodeToGuest(encodeToGuest(message, version), version)).toEqual(message)
      }
    },
  )

  it('has no common version where ranges do not meet', () => {
    expect(commonVersion({ minimum: 2, maximum: 2 }, { minimum: 1, maximum: 1 })).toBeUndefined()
  })

  it('takes no payload of a version for one of another, nor one that its version never had', () => {
    const [hello] = toHost
    expect(() => decodeToHost(encodeToHost(hello!, 2), 1)).toThrow(
      expect.objectContaining({ code: 'sandbox.protocol' }),
    )
    const batch = toHost.find((message) => message.type === 'sql' && message.method === 'batch')
    const forged = encodeToHost(batch!, 2).replace('[2,', '[1,')
    expect(() => decodeToHost(forged, 1)).toThrow(
      expect.objectContaining({ code: 'sqlite.remote_unavailable' }),
    )
    for (const text of [
      '',
      '{}',
      '[1]',
      '[1,{"type":"nothing"}]',
      '[1,{"~":"x"}]',
      '[1,{"~":"n","v":"1e9"}]',
    ]) {
      expect(() => decodeToHost(text, 1)).toThrow(PaddockError)
    }
  })

  it('sends no message that the other side would end the connection over', () => {
    const args = ['\u0001'.repeat(5 * 1_048_576)]
    const message = {
      type: 'sql',
      id: 1,
      namespace: 'tests',
      actorId: 'a',
      generation: 1,
      method: 'exec',
      args,
    } as const
    expect(() => encodeToHost({ ...message, args: [...args] }, 2)).toThrow(
      expect.objectContaining({ code: 'sqlite.limit_exceeded' }),
    )
  })

  it('spec actors-sql 20: values of every kind come back the same', () => {
    const leaf = fc.oneof(
      fc.string(), fc.double(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.boolean(),
      fc.constant(null), fc.constant(undefined), fc.uint8Array(),
    ) // prettier-ignore
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.stringMatching(/^[a-z]+$/), tie('value')),
      ),
    })).value
    fc.assert(
      fc.property(tree, (value) => {
        expect(fromWire(JSON.parse(JSON.stringify(toWire(value))))).toEqual(value)
      }),
    )
  })
})
