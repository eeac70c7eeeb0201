// What `import … from 'paddock:tool'` gives a tool.
export { defineTool } from './define.ts'
export type { Operation, ToolDefinition, ToolExports } from './define.ts'
export { HttpFailure, ToolFailure } from './failure.ts'
export { http, HttpAnswer, secrets, tools, workspace } from './host.ts'
export type { HttpRequest } from './host.ts'
export { decodeText, encodeText } from '../guest/text.ts'
