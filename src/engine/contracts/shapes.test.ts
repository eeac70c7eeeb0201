import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generateShapes, shapesPath } from '../../../scripts/generate-shapes.ts'
import { contractWorld, exportedInterface, importedInterface } from './shapes.ts'

test('the committed shapes are what resources/wit says now', async () => {
  expect(await readFile(shapesPath, 'utf8')).toBe(await generateShapes())
})

test('an interface is found under every version of its track and no other', () => {
  const world = contractWorld('nexum:host/event-module@0.2.0')
  if (world === undefined) throw new Error('no such world')
  expect(importedInterface(world, 'nexum:host/chain@0.2.7')?.name).toBe('nexum:host/chain@0.2.0')
  expect(importedInterface(world, 'nexum:host/chain@0.3.0')).toBeUndefined()
  expect(importedInterface(world, 'nexum:host/chains@0.2.0')).toBeUndefined()
  expect(contractWorld('constructor')).toBeUndefined()
})

test('an exported interface is found', () => {
  const world = contractWorld('near:agent/sandboxed-tool@0.4.1')
  expect(world && exportedInterface(world, 'near:agent/tool@0.4.1')?.functions).toHaveProperty('execute')
})
