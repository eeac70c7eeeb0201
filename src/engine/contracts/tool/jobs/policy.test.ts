import { expect, test } from 'vitest'
import { readToolDeclaration } from '../declaration.ts'
import { grantsFor } from './policy.ts'
import type { Tool } from './tool.ts'

const mebibyte = 1_048_576

function toolOf(declaredBytes: number, compiledBytes: number): Tool {
  const contractTable = {
    schema: 'tool.v1',
    limits: { memory_bytes: BigInt(declaredBytes) },
    operations: [{ id: 't.go', effects: ['network'] }],
  }
  const manifest = { name: 't', source: { dialect: 'tool', file: 'tool.toml' }, contractTable }
  return {
    module: 't',
    declaration: readToolDeclaration(manifest as unknown as Parameters<typeof readToolDeclaration>[0]),
    spec: { limits: { memoryBytes: compiledBytes }, capabilities: { http: 'provided' } },
    grants: { secrets: [], refusedHosts: [], permitDestinations: [], operations: {} },
  } as unknown as Tool
}

test('spec tools 4 step 14: the cap of an answer follows the memory that was compiled in', () => {
  const memoryOf = (tool: Tool): number | undefined => {
    const [operation] = tool.declaration.operations
    return operation && grantsFor(tool, operation, 1_000).policy.memoryBytes
  }
  expect(memoryOf(toolOf(256 * mebibyte, 16 * mebibyte))).toBe(16 * mebibyte)
  expect(memoryOf(toolOf(16 * mebibyte, 64 * mebibyte))).toBe(16 * mebibyte)
})
