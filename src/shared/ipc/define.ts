import type { z } from 'zod'

/** One request with one answer. */
export interface CallSpec<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly kind: 'call'
  readonly input: I
  readonly output: O
  /** Milliseconds after which the caller gets `ipc.timeout`. */
  readonly timeoutMs: number
}

/** Pushed by main to every window. */
export interface EventSpec<P extends z.ZodType = z.ZodType> {
  readonly kind: 'event'
  readonly payload: P
}

/** Items for one subscriber, in batches, until it closes (style 3: at most 10 batches a second). */
export interface StreamSpec<I extends z.ZodType = z.ZodType, T extends z.ZodType = z.ZodType> {
  readonly kind: 'stream'
  readonly input: I
  readonly item: T
}

export type Spec = CallSpec | EventSpec | StreamSpec
export type IpcSchema = Readonly<Record<string, Readonly<Record<string, Spec>>>>

export function call<I extends z.ZodType, O extends z.ZodType>(
  input: I,
  output: O,
  options: { timeoutMs?: number } = {},
): CallSpec<I, O> {
  return { kind: 'call', input, output, timeoutMs: options.timeoutMs ?? 30_000 }
}

export function event<P extends z.ZodType>(payload: P): EventSpec<P> {
  return { kind: 'event', payload }
}

export function stream<I extends z.ZodType, T extends z.ZodType>(input: I, item: T): StreamSpec<I, T> {
  return { kind: 'stream', input, item }
}

/** What main implements for a call: input already validated, output validated before it leaves. */
type Handler<S> =
  S extends CallSpec<infer I, infer O>
    ? (input: z.output<I>) => Promise<z.input<O>> | z.input<O>
    : S extends StreamSpec<infer I, infer T>
      ? (input: z.output<I>, push: (items: readonly z.input<T>[], dropped: number) => void) => () => void
      : never

type CallOrStreamKeys<G> = { [K in keyof G]: G[K] extends EventSpec ? never : K }[keyof G]
type EventKeys<G> = { [K in keyof G]: G[K] extends EventSpec ? K : never }[keyof G]

/** The handlers main must provide, derived from the schema. */
export type Handlers<S extends IpcSchema> = {
  readonly [G in keyof S]: { readonly [K in CallOrStreamKeys<S[G]>]: Handler<S[G][K]> }
}

/** How main pushes events, derived from the schema. */
export type Emitters<S extends IpcSchema> = {
  readonly [G in keyof S]: {
    readonly [K in EventKeys<S[G]>]: S[G][K] extends EventSpec<infer P>
      ? (payload: z.input<P>) => void
      : never
  }
}

type ClientFunction<S> =
  S extends CallSpec<infer I, infer O>
    ? (input: z.input<I>) => Promise<z.output<O>>
    : S extends EventSpec<infer P>
      ? (listener: (payload: z.output<P>) => void) => () => void
      : S extends StreamSpec<infer I, infer T>
        ? (input: z.input<I>, listener: (items: z.output<T>[], dropped: number) => void) => () => void
        : never

/** What the page sees: named functions only, derived from the schema. */
export type Client<S extends IpcSchema> = {
  readonly [G in keyof S]: { readonly [K in keyof S[G]]: ClientFunction<S[G][K]> }
}
