import { groupDigits } from '../../format/numbers.ts'
import { checkParams } from './check-params.ts'
import { planForm, type Field, type FormPlan } from './form-plan.ts'
import { isObject, type JsonObject, type JsonValue } from './schema-node.ts'

/** Characters of parameters that the console sends. */
export const longestParams = 900_000
const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

interface Assembled {
  /** JSON of one member each, by its name. */
  readonly members: ReadonlyMap<string, string>
  /** What is wrong with a field's own text. */
  readonly problems: ReadonlyMap<string, string>
}

/** Parameters being written, in a form or as JSON; numbers keep the digits that were typed. */
export class CallDraft {
  readonly plan: FormPlan
  mode = $state<'form' | 'json'>('form')
  json = $state('{}')
  /** Why the JSON cannot be shown as a form, or null. */
  formProblem = $state<string | null>(null)
  /** Whether what is missing is told: after a first try to call. */
  tried = $state(false)
  #values = $state.raw<ReadonlyMap<string, string>>(new Map())
  /** Members that the form has no field for. */
  #others = $state.raw<ReadonlyMap<string, string>>(new Map())

  constructor(schema: string) {
    this.plan = planForm(schema)
    if (this.plan.problem !== null) this.mode = 'json'
  }

  value(name: string): string {
    return this.#values.get(name) ?? ''
  }

  set(name: string, value: string): void {
    this.#values = new Map(this.#values).set(name, value)
  }

  readonly #assembled = $derived.by((): Assembled => {
    const members = new Map(this.#others)
    const problems = new Map<string, string>()
    for (const field of this.plan.fields) {
      const made = memberOf(field, this.value(field.name))
      if (made === null) continue
      if ('problem' in made) problems.set(field.name, made.problem)
      else members.set(field.name, made.json)
    }
    return { members, problems }
  })

  /** Names of members that the form does not show. */
  readonly hidden = $derived([...this.#others.keys()])

  /** The parameters as they would be sent. */
  readonly text = $derived(this.mode === 'json' ? this.json.trim() : compact(this.#assembled.members))

  readonly #value = $derived.by((): { value: JsonObject } | { problem: string } => {
    if (this.text.length > longestParams)
      return { problem: `At most ${groupDigits(longestParams)} characters are sent from here.` }
    try {
      const value: unknown = JSON.parse(this.text === '' ? '{}' : this.text)
      return isObject(value) ? { value } : { problem: 'Parameters are one JSON object: { … }.' }
    } catch (thrown) {
      return { problem: `Not JSON: ${thrown instanceof Error ? thrown.message : 'it cannot be read'}` }
    }
  })

  readonly #checked = $derived.by(() => {
    const found = this.#value
    if ('problem' in found || this.plan.schema === null) return []
    return checkParams(this.plan.schema, found.value)
  })

  /** Problems of the whole, for the JSON editor: each with where it is. */
  readonly problems = $derived.by((): readonly string[] => {
    if ('problem' in this.#value) return [this.#value.problem]
    return this.#checked.map(({ path, text }) => (path.length === 0 ? text : `${path.join('.')}: ${text}`))
  })

  /** What is wrong with a field, or null. A field that was left empty is told of after a first try. */
  problemOf(field: Field): string | null {
    const own = this.#assembled.problems.get(field.name)
    if (own !== undefined) return own
    const found = this.#checked.find(({ path }) => path[0] === field.name)
    if (found === undefined) return null
    if (this.value(field.name) === '' && !this.tried) return null
    const inner = found.path.slice(1).join('.')
    return inner === '' ? found.text : `${inner}: ${found.text}`
  }

  /** Problems that no field shows. */
  readonly otherProblems = $derived(
    this.#checked
      .filter(({ path }) => !this.plan.fields.some(({ name }) => name === path[0]))
      .map(({ text }) => text),
  )

  readonly ready = $derived(
    !('problem' in this.#value) &&
      this.#checked.length === 0 &&
      (this.mode === 'json' || this.#assembled.problems.size === 0),
  )

  toJson(): void {
    const entries = [...this.#assembled.members].map(
      ([name, json]) => `  ${JSON.stringify(name)}: ${json.replace(/\n/g, '\n  ')}`,
    )
    this.json = entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n}`
    this.formProblem = null
    this.mode = 'json'
  }

  /** False, with a reason in `formProblem`, where the JSON has what the form cannot show. */
  toForm(): boolean {
    if (this.plan.problem !== null) return false
    const found = this.#value
    if ('problem' in found) {
      this.formProblem = found.problem
      return false
    }
    const values = new Map<string, string>()
    const others = new Map<string, string>()
    for (const [name, value] of Object.entries(found.value)) {
      const field = this.plan.fields.find((each) => each.name === name)
      if (field === undefined) {
        if (hasRounded(value)) return this.#refuse(name)
        others.set(name, JSON.stringify(value))
        continue
      }
      const text = textOfMember(field, value)
      if (text === null) return this.#refuse(name)
      values.set(name, text)
    }
    this.#values = values
    this.#others = others
    this.formProblem = null
    this.mode = 'form'
    return true
  }

  /** Takes over parameters that were sent before. */
  fill(params: string): void {
    const wasForm = this.mode === 'form'
    this.json = params
    this.mode = 'json'
    if (wasForm) this.toForm()
    this.formProblem = null
  }

  #refuse(name: string): false {
    this.formProblem = `“${name.slice(0, 60)}” has a value that the form cannot show.`
    return false
  }
}

function compact(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
}

function memberOf(field: Field, text: string): { json: string } | { problem: string } | null {
  if (text.trim() === '' && field.kind !== 'text') return null
  if (text === '') return null
  switch (field.kind) {
    case 'text':
      return { json: JSON.stringify(text) }
    case 'boolean':
    case 'choice':
      return { json: text }
    case 'number':
    case 'integer':
      return number.test(text.trim()) ? { json: text.trim() } : { problem: 'Not a number.' }
    case 'list':
      return {
        json: JSON.stringify(
          text
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== ''),
        ),
      }
    case 'json':
      try {
        JSON.parse(text)
        return { json: text.trim() }
      } catch (thrown) {
        return { problem: `Not JSON: ${thrown instanceof Error ? thrown.message : ''}` }
      }
  }
}

/** The text of a field for a value; null where the field cannot hold it. */
function textOfMember(field: Field, value: JsonValue): string | null {
  if (hasRounded(value)) return null
  switch (field.kind) {
    case 'text':
      return typeof value === 'string' && value !== '' && !/[\r\n]/.test(value) ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : null
    case 'choice': {
      const text = JSON.stringify(value)
      return field.choices.includes(text) ? text : null
    }
    case 'number':
    case 'integer':
      return typeof value === 'number' ? String(value) : null
    case 'list':
      return Array.isArray(value) &&
        value.every(
          (each: JsonValue) => typeof each === 'string' && each.trim() !== '' && !/[\r\n]/.test(each),
        )
        ? value.join('\n')
        : null
    case 'json':
      return JSON.stringify(value, null, 2)
  }
}

/** Whether a number in it may have lost digits when it was read. */
function hasRounded(value: JsonValue, depth = 0): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return false
  return depth > 64 || Object.values(value).some((each: JsonValue) => hasRounded(each, depth + 1))
}
