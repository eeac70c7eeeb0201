/** Components that are refused by their names, before anything is compiled (spec tools 1, 14 row contract). */
import { beforeAll, describe, expect, test } from 'vitest'
import { handTool, probeTool } from '../../../../test/support/tool-components.ts'
import { componentOf } from '../../../../test/support/wasm-components.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { WorldShape } from '../../../shared/component/world.ts'
import { readWorld } from '../../compiler/reader/read-world.ts'
import { matchContract } from '../../modules/match-contract.ts'
import type { Contract } from '../contract.ts'
import { toolTraits } from './contract.ts'

const contract: Contract = {
  ...toolTraits,
  createSession: () => {
    throw new Error('nothing runs in this test')
  },
}

function verdict(component: Uint8Array | WorldShape): PaddockError | string {
  try {
    const world = component instanceof Uint8Array ? readWorld(component) : component
    return matchContract(world, [contract]).match.world
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
}

let sound: WorldShape
beforeAll(async () => {
  sound = readWorld(await handTool())
})

test.each(['0.2.0', '0.2.6', '0.2.9'])('WASI %s is let through', async (wasi) => {
  expect(verdict(await handTool({ wasi }))).toBe('near:agent/sandboxed-tool@0.4.1')
})

test('so is a tool of QuickJS, which names the whole host interface', async () => {
  expect(verdict(await probeTool())).toBe('near:agent/sandboxed-tool@0.4.1')
})

describe('other versions', () => {
  test.each(['0.3.0', '0.4.0', '0.4.2', '0.5.0', '1.0.0'])(
    'a component for %s is refused with both versions, not as what it lacks',
    async (version) => {
      const error = verdict(await handTool({ version }))
      expect(error).toMatchObject({ code: 'tool.unsupported_contract', details: { supported: '0.4.1' } })
      expect(String(error)).toContain(version)
      expect(String(error)).toContain('0.4.1')
    },
  )

  test('one interface of another version is enough, a name without a version too', () => {
    const renamed = (name: string): WorldShape => ({
      ...sound,
      imports: sound.imports.map((extern) =>
        extern.name === 'near:agent/host@0.4.1' ? { ...extern, name } : extern,
      ),
    })
    expect(verdict(renamed('near:agent/host@0.4.0'))).toMatchObject({ code: 'tool.unsupported_contract' })
    expect(verdict(renamed('near:agent/host'))).toMatchObject({ code: 'tool.unsupported_contract' })
  })
})

describe('what is no component', () => {
  const magic = [0x00, 0x61, 0x73, 0x6d]
  test.each<[string, Uint8Array, string]>([
    ['a core module', Uint8Array.of(...magic, 1, 0, 0, 0), 'component.core_module'],
    ['random bytes', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 'component.not_wasm'],
  ])('%s', (_, bytes, code) => {
    expect(verdict(bytes)).toMatchObject({ code })
  })

  test('a truncated one', async () => {
    const whole = await handTool()
    expect(verdict(whole.subarray(0, whole.length - 9))).toMatchObject({ code: 'component.truncated' })
  })
})

describe('imports and exports at the right version', () => {
  test.each([
    ['sockets', 'wasi:sockets/instance-network@0.2.6'],
    ['http', 'wasi:http/outgoing-handler@0.2.6'],
    ['a later WASI', 'wasi:cli/environment@0.3.0'],
    ['what is in no WASI', 'wasi:cli/shell@0.2.6'],
    ['another contract', 'nexum:host/chain@0.2.0'],
    ['an interface of nobody', 'evil:corp/door@1.0.0'],
  ])('%s is refused by name', (_, name) => {
    const world: WorldShape = {
      ...sound,
      imports: [
        ...sound.imports,
        {
          kind: 'interface',
          name,
          interface: { name, functions: { open: { async: false, params: [] } }, types: {} },
        },
      ],
    }
    const error = verdict(world)
    expect(error).toMatchObject({ code: 'component.unknown_imports', details: { imports: [name] } })
    expect(String(error)).toContain(name)
  })

  test('so is a function that the host interface has not', async () => {
    const component = await componentOf(`
      world w { import near:agent/host@0.4.1; export near:agent/tool@0.4.1; }
      package near:agent@0.4.1 {
        interface host { read-secret: func(name: string) -> string; }
        interface tool { execute: func(); schema: func() -> string; description: func() -> string; }
      }`)
    expect(verdict(component)).toMatchObject({
      code: 'component.unknown_imports',
      details: { imports: ['near:agent/host@0.4.1#read-secret'] },
    })
  })

  test('a component without the export is told apart from one with an unknown import', () => {
    expect(verdict({ ...sound, exports: [] })).toMatchObject({
      code: 'sandbox.instantiate_failed',
      details: { missing: ['near:agent/tool@0.4.1'] },
    })
    const halved: WorldShape = {
      ...sound,
      exports: sound.exports.map((extern) => {
        if (extern.kind !== 'interface') return extern
        const { execute } = extern.interface.functions
        return {
          ...extern,
          interface: { ...extern.interface, functions: execute === undefined ? {} : { execute } },
        }
      }),
    }
    expect(verdict(halved)).toMatchObject({ details: { missing: ['schema', 'description'] } })
  })

  test('the right names in another shape are refused with the first difference', async () => {
    const component = await componentOf(`
      world w { export near:agent/tool@0.4.1; }
      package near:agent@0.4.1 {
        interface tool {
          record request { params: string, context: option<string> }
          record response { output: option<string>, error: option<string> }
          execute: func(req: request) -> response; schema: func() -> string; description: func() -> string;
        }
      }`)
    expect(verdict(component)).toMatchObject({ code: 'component.unsupported_dialect' })
  })

  test.each([
    'near:agent/host@0.4.1"+evil()+"',
    "near:agent/ho'st@0.4.1",
    'Near:agent/x@0.4.1',
    'a b',
    'x${1}',
    '-a',
  ])('a name outside of WIT is refused: %s', (name) => {
    const world: WorldShape = { ...sound, imports: [...sound.imports, { kind: 'module', name }] }
    expect(verdict(world)).toMatchObject({ code: 'component.malformed' })
  })

  test('so is a name of a function within an interface', () => {
    const name = 'wasi:cli/exit@0.2.6'
    const functions = { 'exit`${evil}`': { async: false, params: [] } }
    const world: WorldShape = {
      ...sound,
      imports: [...sound.imports, { kind: 'interface', name, interface: { name, functions, types: {} } }],
    }
    expect(verdict(world)).toMatchObject({ code: 'component.malformed' })
  })
})
