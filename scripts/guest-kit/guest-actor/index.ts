// What `import … from 'paddock:actor'` gives an actor.
export { actor, InvalidPayload, UserError } from './actor.ts'
export type { ActorDefinition, Lifecycle, Start } from './actor.ts'
export { keyValue } from './key-value.ts'
export { sql, SqlError } from './sql.ts'
export type { Params, Row, RunResult } from './sql.ts'
export { real } from './values.ts'
export type { SqlValue } from './values.ts'
export { decodeText, encodeText } from '../guest/text.ts'
