/**
 * Says what of parameters does not fit a schema, while somebody types. It reads only what can be judged in bounded time;
 * the rest (patterns, references, combinations) is the engine's to check with the call.
 */
import {
  deepest,
  isObject,
  member,
  numberOf,
  typesOf,
  type JsonObject,
  type JsonValue,
} from './schema-node.ts'

export interface Problem {
  /** Names and positions from the parameters down. */
  readonly path: readonly string[]
  readonly text: string
}

const mostSteps = 50_000
const mostProblems = 20
const mostUnique = 500

/** At most 20 problems, in the schema's own terms. */
export function checkParams(schema: JsonObject, value: JsonValue): Problem[] {
  const walk = new Walk()
  walk.check(schema, value, [])
  return walk.problems
}

class Walk {
  readonly problems: Problem[] = []
  private steps = 0

  check(schema: JsonObject, value: JsonValue, path: readonly string[]): void {
    this.steps += 1
    if (path.length > deepest || this.steps > mostSteps || this.problems.length >= mostProblems) return
    const say = (text: string): void => {
      if (this.problems.length < mostProblems) this.problems.push({ path, text })
    }
    const types = typesOf(schema)
    if (types.length > 0 && !types.some((type) => isOf(type, value))) {
      say(`Must be ${types.map(typeName).join(' or ')}, the schema says.`)
      return
    }
    this.choices(schema, value, say)
    if (typeof value === 'number') numberLimits(schema, value, say)
    else if (typeof value === 'string') textLimits(schema, value, say)
    else if (Array.isArray(value)) this.items(schema, value, path, say)
    else if (isObject(value)) this.members(schema, value, path, say)
  }

  private choices(schema: JsonObject, value: JsonValue, say: (text: string) => void): void {
    const choices = member(schema, 'enum')
    if (Array.isArray(choices) && choices.length <= 500) {
      const text = JSON.stringify(value)
      if (!choices.some((choice: JsonValue) => JSON.stringify(choice) === text))
        say('Must be one of the values that the schema lists.')
    }
    const only = member(schema, 'const')
    if (only !== undefined && JSON.stringify(only) !== JSON.stringify(value))
      say(`Must be ${JSON.stringify(only).slice(0, 60)}, the schema says.`)
  }

  private items(
    schema: JsonObject,
    values: readonly JsonValue[],
    path: readonly string[],
    say: (text: string) => void,
  ): void {
    const least = numberOf(schema, 'minItems')
    const most = numberOf(schema, 'maxItems')
    if (least !== null && values.length < least) say(`At least ${least} items, the schema says.`)
    if (most !== null && values.length > most) say(`At most ${most} items, the schema says.`)
    if (member(schema, 'uniqueItems') === true && values.length <= mostUnique) {
      if (new Set(values.map((value) => JSON.stringify(value))).size < values.length)
        say('No item may stand twice, the schema says.')
    }
    const items = member(schema, 'items')
    if (isObject(items)) values.forEach((value, index) => this.check(items, value, [...path, String(index)]))
  }

  private members(
    schema: JsonObject,
    value: JsonObject,
    path: readonly string[],
    say: (text: string) => void,
  ): void {
    const required = member(schema, 'required')
    if (Array.isArray(required)) {
      for (const name of required.slice(0, 500)) {
        if (typeof name === 'string' && !Object.hasOwn(value, name))
          this.problems.push({ path: [...path, name], text: 'Required, the schema says.' })
      }
    }
    const properties = member(schema, 'properties')
    const others = member(schema, 'additionalProperties')
    for (const [name, each] of Object.entries(value)) {
      const known = isObject(properties) ? member(properties, name) : undefined
      if (isObject(known)) this.check(known, each, [...path, name])
      else if (known === undefined && others === false && member(schema, 'patternProperties') === undefined)
        say(`“${name.slice(0, 60)}” is no name that the schema has.`)
    }
  }
}

function isOf(type: string, value: JsonValue): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type
    default:
      return true
  }
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
    null: 'null',
  }
  return Object.hasOwn(names, type) ? (names[type] ?? type) : type.slice(0, 32)
}

function numberLimits(schema: JsonObject, value: number, say: (text: string) => void): void {
  const least = numberOf(schema, 'minimum')
  const most = numberOf(schema, 'maximum')
  const above = numberOf(schema, 'exclusiveMinimum')
  const below = numberOf(schema, 'exclusiveMaximum')
  const step = numberOf(schema, 'multipleOf')
  if (least !== null && value < least) say(`At least ${least}, the schema says.`)
  if (most !== null && value > most) say(`At most ${most}, the schema says.`)
  if (above !== null && value <= above) say(`More than ${above}, the schema says.`)
  if (below !== null && value >= below) say(`Less than ${below}, the schema says.`)
  if (step !== null && step > 0) {
    const times = value / step
    if (Math.abs(times - Math.round(times)) > 1e-9 * Math.max(1, Math.abs(times)))
      say(`A multiple of ${step}, the schema says.`)
  }
}

function textLimits(schema: JsonObject, value: string, say: (text: string) => void): void {
  const least = numberOf(schema, 'minLength')
  const most = numberOf(schema, 'maxLength')
  // Characters, not the halves that some are kept in; counted only where that can matter.
  const length =
    (least !== null && value.length < least * 2) || (most !== null && value.length > most)
      ? Array.from(value).length
      : value.length
  if (least !== null && length < least) say(`At least ${least} characters, the schema says.`)
  if (most !== null && length > most) say(`At most ${most} characters, the schema says.`)
}
