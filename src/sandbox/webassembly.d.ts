/** What the sandbox uses of the WebAssembly API: neither the ES library nor Node's types declare it, only the DOM's. */
declare namespace WebAssembly {
  type ImportValue = object | number | bigint
  type Imports = Record<string, Record<string, ImportValue>>
  type Exports = Readonly<Record<string, unknown>>

  class Module {
    constructor(bytes: Uint8Array)
    /** Tells it apart from other objects for the type checker. */
    private readonly module: never
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    readonly buffer: ArrayBuffer
  }
  class Table {
    readonly length: number
  }
  class Global {
    value: unknown
  }
  class CompileError extends Error {}
  class RuntimeError extends Error {}
  function compile(bytes: Uint8Array): Promise<Module>
  function validate(bytes: Uint8Array): boolean
}
