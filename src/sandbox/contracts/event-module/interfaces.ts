/** The types of `nexum:host@0.2.0` and `shepherd:cow@0.2.0` for the binder (resources/wit/nexum-host, shepherd-cow). */
import {
  bytes,
  enumeration,
  func,
  interfaceType,
  list,
  option,
  record,
  result,
  s32,
  string,
  tuple,
  u16,
  u32,
  u64,
  variant,
} from '../../binding/types.ts'
import type { FunctionType, ValueOf, WitType } from '../../binding/types.ts'

export const chainIdType = u64

export const blockType = record({ chainId: chainIdType, number: u64, hash: bytes, timestamp: u64 })

export const logType = record({
  chainId: chainIdType,
  address: bytes,
  topics: list(bytes),
  data: bytes,
  blockNumber: u64,
  transactionHash: bytes,
  logIndex: u32,
})

export const messageType = record({
  contentTopic: string,
  payload: bytes,
  timestamp: u64,
  sender: option(bytes),
})

export const tickType = record({ firedAt: u64 })

export const eventType = variant({
  block: blockType,
  logs: list(logType),
  tick: tickType,
  message: messageType,
})

export const configType = list(tuple(string, string))

export const hostErrorKindType = variant({
  unsupported: null,
  unavailable: null,
  denied: null,
  'rate-limited': null,
  timeout: null,
  'invalid-input': null,
  internal: null,
})

export const hostErrorType = record({
  domain: string,
  kind: hostErrorKindType,
  code: s32,
  message: string,
  data: option(string),
})
export type GuestHostError = ValueOf<typeof hostErrorType>

/** `result<T, host-error>`. */
function orHostError<T extends WitType<unknown>>(ok: T) {
  return result(ok, hostErrorType)
}

const done = result(null, hostErrorType)

export const chainInterface = interfaceType('nexum:host/chain@0.2.0', {
  request: func([chainIdType, string, string], orHostError(string)),
  requestBatch: func(
    [chainIdType, list(record({ method: string, params: string }))],
    orHostError(list(variant({ ok: string, err: hostErrorType }))),
  ),
})

export const localStoreInterface = interfaceType('nexum:host/local-store@0.2.0', {
  get: func([string], orHostError(option(bytes))),
  set: func([string, bytes], done),
  delete: func([string], done),
  listKeys: func([string], orHostError(list(string))),
})

export const logLevelType = enumeration('trace', 'debug', 'info', 'warn', 'error')

export const loggingInterface = interfaceType('nexum:host/logging@0.2.0', {
  log: func([logLevelType, string]),
})

export const clockInterface = interfaceType('nexum:host/clock@0.2.0', {
  nowMs: func([], u64),
  monotonicNs: func([], u64),
})

export const randomInterface = interfaceType('nexum:host/random@0.2.0', {
  fill: func([u32], bytes),
})

export const identityInterface = interfaceType('nexum:host/identity@0.2.0', {
  accounts: func([], orHostError(list(bytes))),
  sign: func([bytes, bytes], orHostError(bytes)),
  signTypedData: func([bytes, string], orHostError(bytes)),
})

const headerType = record({ name: string, value: string })

export const httpRequestType = record({
  method: string,
  url: string,
  headers: list(headerType),
  body: option(bytes),
  timeoutMs: option(u32),
})

export const httpResponseType = record({ status: u16, headers: list(headerType), body: bytes })

export const httpInterface = interfaceType('nexum:host/http@0.2.0', {
  fetch: func([httpRequestType], orHostError(httpResponseType)),
})

export const messagingInterface = interfaceType('nexum:host/messaging@0.2.0', {
  publish: func([string, bytes], done),
  query: func([string, option(u64), option(u64), option(u32)], orHostError(list(messageType))),
})

export const remoteStoreInterface = interfaceType('nexum:host/remote-store@0.2.0', {
  upload: func([bytes], orHostError(bytes)),
  download: func([bytes], orHostError(bytes)),
  readFeed: func([bytes, bytes], orHostError(option(bytes))),
  writeFeed: func([bytes, bytes], orHostError(bytes)),
})

export const cowApiInterface = interfaceType('shepherd:cow/cow-api@0.2.0', {
  request: func([chainIdType, string, string, option(string)], orHostError(string)),
  submitOrder: func([chainIdType, bytes], orHostError(string)),
})

/** Exports of the worlds `event-module` and `shepherd`. */
export const eventModuleExports = {
  init: func([configType], done),
  'on-event': func([eventType], done),
} as const satisfies Record<string, FunctionType>

/** Exports of the world `query-module`. */
export const queryModuleExports = {
  init: func([configType], done),
  evaluate: func([bytes], orHostError(bytes)),
} as const satisfies Record<string, FunctionType>
