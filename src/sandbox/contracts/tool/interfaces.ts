/** The types of `near:agent@0.4.1` for the binder (resources/wit/near-agent). */
import { toolFailureKinds } from '../../../shared/contracts/tool.ts'
import {
  bool,
  bytes,
  enumeration,
  func,
  interfaceType,
  option,
  record,
  result,
  string,
  u16,
  u32,
  u64,
  variant,
} from '../../binding/types.ts'
import type { FunctionType, ValueOf } from '../../binding/types.ts'

const failureKindType = enumeration(...toolFailureKinds)

const httpResponseType = record({ status: u16, headersJson: string, body: bytes })

const httpFailureType = record({
  kind: failureKindType,
  code: option(string),
  message: option(string),
  requestSent: bool,
})
export type HttpFailure = ValueOf<typeof httpFailureType>

export const hostInterface = interfaceType('near:agent/host@0.4.1', {
  log: func([enumeration('trace', 'debug', 'info', 'warn', 'error'), string]),
  nowMillis: func([], u64),
  workspaceRead: func([string], option(string)),
  httpRequest: func(
    [string, string, string, option(bytes), option(u32)],
    result(httpResponseType, httpFailureType),
  ),
  toolInvoke: func([string, string], result(string, string)),
  secretExists: func([string], bool),
})

const responseType = variant({
  success: string,
  failure: record({ kind: failureKindType, code: option(string), message: option(string) }),
})
export type GuestResponse = ValueOf<typeof responseType>

/** Exports of the world `sandboxed-tool`, by the names the component gives them. */
export const toolExports = {
  'near:agent/tool@0.4.1#execute': func([record({ params: string, context: option(string) })], responseType),
  'near:agent/tool@0.4.1#schema': func([], string),
  'near:agent/tool@0.4.1#description': func([], string),
} as const satisfies Record<string, FunctionType>
