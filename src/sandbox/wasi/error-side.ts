import { PaddockError } from '../../shared/errors.ts'

/** The error side of a WASI result, thrown as generated glue expects it; anything else thrown is a trap. */
export class ErrorSide extends Error {
  readonly payload: unknown

  constructor(payload: unknown) {
    super('error side of a result')
    this.payload = payload
  }
}

export function trap(message: string): never {
  throw new PaddockError('sandbox.trap', message)
}

type ResourceClass = abstract new (...args: never[]) => object

/** Gives a resource class the methods named, each answering `code`. */
export function denyMethods<T extends ResourceClass>(
  resource: T,
  code: string,
  methods: readonly string[],
): T {
  for (const name of methods) {
    Object.defineProperty(resource.prototype, name, { value: () => deny(code) })
  }
  return resource
}

export function deny(code: string): never {
  throw new ErrorSide(code)
}

/** The base of resources that a guest can only ever be refused. */
export class PowerlessResource {
  readonly powerless = true
}
