/** The form of a tool's parameters, from its JSON Schema. */
import {
  isObject,
  member,
  numberOf,
  readSchema,
  textOf,
  typesOf,
  type JsonObject,
  type JsonValue,
} from './schema-node.ts'

export type FieldKind = 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'list' | 'json'

export interface Field {
  readonly name: string
  readonly kind: FieldKind
  /** The schema's own title, or empty. */
  readonly title: string
  readonly required: boolean
  /** In the schema's own words, or empty. */
  readonly description: string
  /** What must hold, in a few words: `1 to 100`. */
  readonly limits: string
  /** JSON texts to choose from, of `choice`. */
  readonly choices: readonly string[]
  /** JSON text of the schema's default, or null. */
  readonly preset: string | null
  readonly schema: JsonObject
}

export interface FormPlan {
  readonly fields: readonly Field[]
  readonly schema: JsonObject | null
  /** Whether names beyond the fields are taken. */
  readonly open: boolean
  /** Why there is no form, or null. */
  readonly problem: string | null
}

const mostFields = 64
const mostChoices = 200
const longestDescription = 400
const longestName = 128

/** A form where the schema describes an object with fields; otherwise why the parameters are written as JSON. */
export function planForm(text: string): FormPlan {
  const read = readSchema(text)
  if ('problem' in read) return none(null, read.problem)
  const { schema } = read
  for (const word of ['oneOf', 'anyOf', 'allOf', '$ref', 'if', 'patternProperties'] as const) {
    if (member(schema, word) !== undefined)
      return none(schema, `Its schema uses ${word}, which no form can show.`)
  }
  const properties = member(schema, 'properties')
  if (!isObject(properties)) {
    return typesOf(schema).includes('object') || typesOf(schema).length === 0
      ? { fields: [], schema, open: member(schema, 'additionalProperties') !== false, problem: null }
      : none(schema, 'Its schema describes no object.')
  }
  const names = Object.keys(properties)
  if (names.length > mostFields)
    return none(schema, `Its schema has ${names.length} fields, more than a form can show.`)
  if (names.some((name) => name.length > longestName))
    return none(schema, 'Its schema has a name that is too long for a form.')
  const required = member(schema, 'required')
  const mustHave = new Set(Array.isArray(required) ? required : [])
  const fields = names.map((name) => fieldOf(name, properties[name] ?? null, mustHave.has(name)))
  return {
    // What must be filled in comes first, otherwise as the author wrote it.
    fields: [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)],
    schema,
    open: member(schema, 'additionalProperties') !== false,
    problem: null,
  }
}

function none(schema: JsonObject | null, problem: string): FormPlan {
  return { fields: [], schema, open: true, problem }
}

function fieldOf(name: string, value: JsonValue, required: boolean): Field {
  const schema = isObject(value) ? value : {}
  const choices = choicesOf(schema)
  const kind = choices.length > 0 ? 'choice' : kindOf(schema)
  const preset = member(schema, 'default')
  return {
    name,
    kind,
    title: textOf(schema, 'title', 60) ?? '',
    required,
    description: textOf(schema, 'description', longestDescription) ?? '',
    limits: limitsOf(schema, kind),
    choices,
    preset: preset === undefined ? null : JSON.stringify(preset).slice(0, 200),
    schema,
  }
}

function choicesOf(schema: JsonObject): string[] {
  const values = member(schema, 'enum')
  if (!Array.isArray(values) || values.length > mostChoices) return []
  return [...new Set(values.map((value: JsonValue) => JSON.stringify(value)))]
}

function kindOf(schema: JsonObject): FieldKind {
  for (const word of ['oneOf', 'anyOf', 'allOf', '$ref', 'const', 'not'] as const)
    if (member(schema, word) !== undefined) return 'json'
  const types = typesOf(schema).filter((type) => type !== 'null')
  const [type] = types
  if (types.length !== 1) return 'json'
  if (type === 'string') return 'text'
  if (type === 'number' || type === 'integer' || type === 'boolean') return type
  if (type !== 'array') return 'json'
  const items = member(schema, 'items')
  return isObject(items) && kindOf(items) === 'text' && choicesOf(items).length === 0 ? 'list' : 'json'
}

function limitsOf(schema: JsonObject, kind: FieldKind): string {
  const range = (least: string, most: string, unit: string): string => {
    const low = numberOf(schema, least)
    const high = numberOf(schema, most)
    if (low !== null && high !== null) return `${low} to ${high}${unit}`
    return low !== null ? `${low}${unit} or more` : high !== null ? `at most ${high}${unit}` : ''
  }
  switch (kind) {
    case 'number':
    case 'integer': {
      const text = range('minimum', 'maximum', '')
      return kind === 'integer' ? (text === '' ? 'whole number' : `whole number, ${text}`) : text
    }
    case 'text': {
      const format = textOf(schema, 'format', 32)
      const pattern = textOf(schema, 'pattern', 80)
      return [format, range('minLength', 'maxLength', ' characters'), pattern && `checked against ${pattern}`]
        .filter((part) => part !== null && part !== '')
        .join(', ')
    }
    case 'list':
      return range('minItems', 'maxItems', ' items')
    default:
      return ''
  }
}
