/** Compares interfaces by structure (spec nexum-host 1.3). */
import { parseInterfaceName } from './names.ts'
import type { CaseShape, FieldShape, FunctionShape, InterfaceShape, TypeShape } from './world.ts'

/**
 * The first thing `actual` asks for that `expected` does not offer in the same shape, as a path
 * (`nexum:host/types#event case 'logs'`), or `undefined` where all of it agrees.
 *
 * `expected` may offer more. For an import, `expected` is the host's and `actual` the component's; for an
 * export it is the other way round. Types count by name and structure, versions do not.
 */
export function firstMismatch(expected: InterfaceShape, actual: InterfaceShape): string | undefined {
  const parsed = parseInterfaceName(actual.name)
  const owner =
    parsed === undefined ? actual.name : `${parsed.namespace}:${parsed.package}/${parsed.interface}`
  for (const [name, type] of Object.entries(actual.types)) {
    const path = `${owner}#${name}`
    const offered = own(expected.types, name)
    const mismatch = offered === undefined ? path : typeMismatch(path, offered, type)
    if (mismatch !== undefined) return mismatch
  }
  for (const [name, type] of Object.entries(actual.functions)) {
    const path = `${owner}#${name}`
    const offered = own(expected.functions, name)
    const mismatch = offered === undefined ? path : functionMismatch(path, offered, type)
    if (mismatch !== undefined) return mismatch
  }
  return undefined
}

/** The first difference between two functions, as a path from `path`, or `undefined`. */
export function functionMismatch(
  path: string,
  expected: FunctionShape,
  actual: FunctionShape,
): string | undefined {
  if (expected.async !== actual.async) return path
  return (
    partsMismatch(path, 'parameter', expected.params, actual.params) ??
    optionalMismatch(`${path} result`, expected.result, actual.result)
  )
}

/** The first difference between two types, as a path from `path` or from the declared type it lies in. */
export function typeMismatch(path: string, expected: TypeShape, actual: TypeShape): string | undefined {
  const place = 'name' in expected && expected.name !== undefined ? expected.name : path
  switch (expected.kind) {
    case 'record':
      return actual.kind === expected.kind
        ? partsMismatch(place, 'field', expected.fields, actual.fields)
        : place
    case 'variant':
      return actual.kind === expected.kind
        ? partsMismatch(place, 'case', expected.cases, actual.cases)
        : place
    case 'enum':
      return actual.kind === expected.kind
        ? labelMismatch(place, 'case', expected.cases, actual.cases)
        : place
    case 'flags':
      return actual.kind === expected.kind
        ? labelMismatch(place, 'flag', expected.flags, actual.flags)
        : place
    case 'list':
      if (actual.kind !== expected.kind || actual.length !== expected.length) return place
      return typeMismatch(`${place} element`, expected.element, actual.element)
    case 'option':
      return actual.kind === expected.kind
        ? typeMismatch(`${place} value`, expected.value, actual.value)
        : place
    case 'result':
      if (actual.kind !== expected.kind) return place
      return (
        optionalMismatch(`${place} ok`, expected.ok, actual.ok) ??
        optionalMismatch(`${place} error`, expected.err, actual.err)
      )
    case 'tuple':
      return actual.kind === expected.kind ? tupleMismatch(place, expected.elements, actual.elements) : place
    case 'resource':
    case 'own':
    case 'borrow':
      return actual.kind === expected.kind && actual.resource === expected.resource ? undefined : place
    case 'stream':
    case 'future':
      if (actual.kind !== expected.kind) return place
      return optionalMismatch(`${place} element`, expected.element, actual.element)
    case 'map':
      if (actual.kind !== expected.kind) return place
      return (
        typeMismatch(`${place} key`, expected.key, actual.key) ??
        typeMismatch(`${place} value`, expected.value, actual.value)
      )
    default:
      return actual.kind === expected.kind ? undefined : place
  }
}

function optionalMismatch(
  path: string,
  expected: TypeShape | undefined,
  actual: TypeShape | undefined,
): string | undefined {
  if (expected === undefined || actual === undefined) return expected === actual ? undefined : path
  return typeMismatch(path, expected, actual)
}

function partsMismatch(
  path: string,
  what: string,
  expected: readonly (FieldShape | CaseShape)[],
  actual: readonly (FieldShape | CaseShape)[],
): string | undefined {
  for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
    const wanted = expected[index]
    const found = actual[index]
    const place = `${path} ${what} '${wanted?.name ?? found?.name ?? ''}'`
    if (wanted === undefined || found === undefined) return place
    if (wanted.name !== found.name) return `${place} against '${found.name}'`
    const mismatch = optionalMismatch(place, wanted.type, found.type)
    if (mismatch !== undefined) return mismatch
  }
  return undefined
}

function labelMismatch(
  path: string,
  what: string,
  expected: readonly string[],
  actual: readonly string[],
): string | undefined {
  return partsMismatch(path, what, expected.map(asCase), actual.map(asCase))
}

function tupleMismatch(
  path: string,
  expected: readonly TypeShape[],
  actual: readonly TypeShape[],
): string | undefined {
  if (expected.length !== actual.length) return path
  for (const [index, type] of expected.entries()) {
    const mismatch = optionalMismatch(`${path} element ${index}`, type, actual[index])
    if (mismatch !== undefined) return mismatch
  }
  return undefined
}

function asCase(name: string): CaseShape {
  return { name }
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
