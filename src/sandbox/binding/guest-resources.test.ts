import { describe, expect, it } from 'vitest'
import { Guest } from './guest.ts'
import { destructorName, guestResource, resourceFunctions } from './guest-resources.ts'

const session = guestResource('trogon:decider/handler@0.3.0', 'session')
const module = '[export]trogon:decider/handler@0.3.0'

function functions(guest: Guest, dropped: number[] = []) {
  const made = resourceFunctions(session, module, guest, (name) => {
    expect(name).toBe(destructorName(session))
    return (rep) => {
      dropped.push(Number(rep))
      return undefined
    }
  })
  if (made === undefined) throw new Error('not of this interface')
  return {
    create: (rep: number) => Number(made['[resource-new]session']?.(rep)),
    rep: (handle: number) => made['[resource-rep]session']?.(handle),
    drop: (handle: number) => made['[resource-drop]session']?.(handle),
  }
}

describe('resources of a guest', () => {
  it('have handles of their own, which the guest can look up and drop once', () => {
    const guest = new Guest()
    const dropped: number[] = []
    const { create, rep, drop } = functions(guest, dropped)
    const [first, second] = [create(77), create(-1)]
    expect(first).not.toBe(second)
    expect(rep(first)).toBe(77)
    expect(rep(second)).toBe(-1)
    drop(first)
    expect(dropped).toEqual([77])
    expect(guest.handles.size).toBe(1)
  })

  it.each([
    [
      'a handle that was dropped',
      (f: ReturnType<typeof functions>) => {
        const handle = f.create(1)
        f.drop(handle)
        f.drop(handle)
      },
    ],
    ['a handle that was never given', (f: ReturnType<typeof functions>) => f.rep(5)],
    ['handle 0', (f: ReturnType<typeof functions>) => f.drop(0)],
  ])('%s is a trap, and the instance is dead', (_what, misuse) => {
    const guest = new Guest()
    const made = functions(guest)
    expect(() => misuse(made)).toThrow(expect.objectContaining({ code: 'sandbox.trap' }))
    expect(guest.failure?.code).toBe('sandbox.trap')
    expect(() => made.create(1)).toThrow()
  })

  it('are not taken for those of another interface or another version track', () => {
    const guest = new Guest()
    const of = (name: string) => resourceFunctions(session, name, guest, () => undefined)
    expect(of('[export]trogon:decider/other@0.3.0')).toBeUndefined()
    expect(of('[export]trogon:decider/handler@0.4.0')).toBeUndefined()
    expect(of('trogon:decider/handler@0.3.0')).toBeUndefined()
    expect(Object.keys(of('cm32p2|_ex_trogon:decider/handler@0.3') ?? {})).toEqual([
      'session_new',
      'session_rep',
      'session_drop',
    ])
  })
})
