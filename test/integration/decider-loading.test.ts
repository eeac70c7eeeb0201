/** Which components are deciders, and what their descriptors may say (spec decider 2). */
import { join } from 'node:path'
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools'
import { componentize } from 'componentize-qjs'
import { afterAll, describe, expect, it } from 'vitest'
import { readWorld } from '../../src/engine/compiler/reader/read-world.ts'
import { contracts } from '../../src/engine/contracts/registry.ts'
import { matchContract } from '../../src/engine/modules/match-contract.ts'
import { deciderInterface } from '../../src/shared/contracts/decider.ts'
import { PaddockError } from '../../src/shared/errors.ts'
import { readWitSource } from '../../scripts/wit-source.ts'
import { withTypesOnlyImport } from '../support/component-parts.ts'
import { counter, deciderComponent, openDecider, removeDeciderFolders } from '../support/deciders.ts'
import type { DeciderText } from '../support/decider-wat.ts'

const witFolder = join(import.meta.dirname, '../../resources/wit/trogon-decider')

afterAll(removeDeciderFolders)

function refusal(component: Uint8Array): PaddockError {
  try {
    matchContract(readWorld(component), contracts)
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('spec decider 16: zero imports', () => {
  it('a decider that imports nothing is matched', async () => {
    const { contract, match } = matchContract(readWorld(await deciderComponent()), contracts)
    expect([contract.id, match.world]).toEqual(['decider', 'trogon:decider/decider@0.3.0'])
  })

  it('one built without WASI stubs is refused, and all 18 names are listed', async () => {
    const { component } = await componentize({
      jsSource: `export const handler = {
        descriptor() { return { name: 'a', version: '1', commands: [] } },
        streamId() { return 's' },
        Session: class Session { evolve() {} decide() { return [] } snapshot() { return null } } }`,
      witPath: witFolder,
      world: 'decider',
      sync: true,
      stubWasi: false,
    })
    const error = refusal(component)
    expect(error.code).toBe('decider.forbidden_import')
    const imports = error.details?.['imports'] as string[]
    expect(imports).toHaveLength(18)
    for (const name of imports) {
      expect(name).toMatch(/^wasi:/)
      expect(error.message).toContain(name)
    }
  })

  it('an import of types only is refused too', async () => {
    // The componentizer drops what nothing uses, so the import is written byte by byte: an interface of one type.
    const component = withTypesOnlyImport(
      await deciderComponent(),
      'test:shapes/shapes@1.0.0',
      deciderInterface,
    )
    expect(readWorld(component).imports.map(({ name }) => name)).toEqual(['test:shapes/shapes@1.0.0'])
    const error = refusal(component)
    expect(error.code).toBe('decider.forbidden_import')
    expect(error.message).toContain('test:shapes/shapes@1.0.0')
  })

  it('another version is refused by name', async () => {
    const { text } = readWitSource(witFolder)
    const component = await componentNew(
      await componentEmbed({ dummy: true, witSource: text.replace('@0.3.0', '@0.2.0'), world: 'decider' }),
      [],
    )
    const error = refusal(component)
    expect(error.code).toBe('decider.unsupported_version')
    expect(error.message).toContain('trogon:decider/handler@0.2.0')
  })

  it('a core module is none', () => {
    expect(() => readWorld(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toThrow(
      expect.objectContaining({ code: 'component.core_module' }),
    )
  })
})

describe('spec decider 16: descriptor rules', () => {
  async function fault(change: Partial<DeciderText>): Promise<Record<string, unknown> & { code: string }> {
    const component = await deciderComponent({ ...counter, ...change })
    try {
      ;(await openDecider(component)).close()
    } catch (error) {
      if (error instanceof PaddockError) return { ...error.details, code: error.code }
      throw error
    }
    return { code: 'fine' }
  }
  const [add] = counter.commands
  const typed = (type: string): DeciderText['commands'] => [{ ...add!, type }]

  it.each<[string, Partial<DeciderText>, string, string]>([
    ['an empty name', { name: '' }, 'name', 'not empty'],
    ['a control character', { name: 'a\u0007b' }, 'name', 'no control character'],
    ['an @', { name: 'a@b' }, 'name', 'no "@"'],
    ['a /', { version: '1/2' }, 'version', 'no "/"'],
    ['an empty version', { version: '' }, 'version', 'not empty'],
    ['129 bytes', { name: 'n'.repeat(129) }, 'name', '128 bytes'],
    ['no commands', { commands: [] }, 'commands', 'at least one'],
    ['an empty type', { commands: typed('') }, 'commands[0].command-type', 'not empty'],
    ['a type of 257 bytes', { commands: typed('t'.repeat(257)) }, 'commands[0].command-type', '256 bytes'],
    ['a type twice', { commands: [add!, add!] }, 'commands[1].command-type', 'once'],
    [
      'frequency(0)',
      { commands: [{ ...add!, frequency: 0n }] },
      'commands[0].snapshot-policy of "counter.add"',
      'above zero',
    ],
  ])('%s', async (_what, change, field, rule) => {
    const found = await fault(change)
    expect(found).toMatchObject({ code: 'decider.invalid_descriptor', field })
    expect(found['rule']).toContain(rule)
    expect(found).toHaveProperty('value')
  })

  it('at the limits it loads', async () => {
    expect(await fault({ name: 'n'.repeat(128), commands: typed('t'.repeat(256)) })).toEqual({ code: 'fine' })
    const many = Array.from({ length: 256 }, (_, index) => ({ ...add!, type: `t${index}` }))
    expect(await fault({ commands: many })).toEqual({ code: 'fine' })
    const more = Array.from({ length: 257 }, (_, index) => ({ ...add!, type: `t${index}` }))
    expect(await fault({ commands: more })).toMatchObject({
      code: 'decider.invalid_descriptor',
      field: 'commands',
    })
  })

  it('a descriptor that traps is told', async () => {
    expect(await fault({ descriptor: 'traps' })).toMatchObject({ code: 'decider.descriptor_failed' })
  })

  it('another identity than was asked for is refused, naming both', async () => {
    const component = await deciderComponent()
    await expect(openDecider(component, { expected: 'demo.counter@9.9.9' })).rejects.toMatchObject({
      code: 'decider.identity_mismatch',
      details: { expected: 'demo.counter@9.9.9', actual: 'demo.counter@0.1.0' },
    })
    ;(await openDecider(component, { expected: 'demo.counter@0.1.0' })).close()
  })
})
