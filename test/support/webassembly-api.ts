/** What tests use of the WebAssembly API beyond what the sandbox does; Node's types declare none of it. */
interface Described {
  readonly module: string
  readonly name: string
  readonly kind: string
}

interface FullApi {
  readonly Module: {
    exports(module: WebAssembly.Module): Described[]
    imports(module: WebAssembly.Module): Described[]
  }
  readonly Global: new (type: { value: string; mutable?: boolean }, value: unknown) => WebAssembly.Global
  readonly Memory: new (limits: { initial: number; maximum: number }) => WebAssembly.Memory
  readonly Table: new (limits: { initial: number; maximum: number; element: string }) => object
  readonly LinkError: new () => Error
  readonly Exception: new () => object
}

export const api = WebAssembly as unknown as FullApi
