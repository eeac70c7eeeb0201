/** Real core modules for the binder's tests, written in the text format. */
import wabt from 'wabt'
import { codecOf } from './codec.ts'
import { guestFunction, hostFunction } from './functions.ts'
import type { AnyFunction, CoreFunction } from './functions.ts'
import { Guest, GuestMemory } from './guest.ts'
import type { FunctionType } from './types.ts'

const tools = await wabt()

export function compileText(text: string): WebAssembly.Module {
  const parsed = tools.parseWat('guest.wat', text, { exceptions: true })
  try {
    return new WebAssembly.Module(parsed.toBinary({}).buffer)
  } finally {
    parsed.destroy()
  }
}

/** A memory of one page and an allocator that only ever moves on, and grows the memory when it must. */
export const allocator = `
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func $realloc (export "cabi_realloc") (param $old i32) (param i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.const 1)
        (i32.div_u (i32.sub (global.get $next) (i32.mul (memory.size) (i32.const 65536))) (i32.const 65536)))))))
    (local.get $at))`

export interface CoreGuest {
  readonly guest: Guest
  readonly memory: GuestMemory
  readonly instance: WebAssembly.Instance
  readonly call: (name: string, type: FunctionType, ...values: unknown[]) => unknown
}

/** Instantiates `text` with host functions under `host`, and calls its exports through the binder. */
export function instantiateText(
  text: string,
  host: Record<string, [FunctionType, AnyFunction] | CoreFunction> = {},
): CoreGuest {
  const guest = new Guest()
  const memory = new GuestMemory(guest)
  const imports = Object.fromEntries(
    Object.entries(host).map(([name, given]) => [
      name,
      typeof given === 'function' ? given : hostFunction(given[0], given[1], memory),
    ]),
  )
  const instance = new WebAssembly.Instance(compileText(text), { host: imports })
  const { exports } = instance
  memory.attach(exports['memory'] as WebAssembly.Memory, exports['cabi_realloc'] as never)
  const call: CoreGuest['call'] = (name, type, ...values) => {
    const post = exports[`cabi_post_${name}`] as CoreFunction | undefined
    return guestFunction(type, exports[name] as CoreFunction, post, memory)(...values)
  }
  return { guest, memory, instance, call }
}

/** A guest whose export `echo` hands its argument on to the host's `echo` and returns what that returns. */
export function echoText(type: FunctionType): string {
  const flat = type.params.flatMap((shape) => codecOf(shape).flat)
  const params = flat.length > 16 ? ['i32'] : flat
  const result = type.result && codecOf(type.result)
  const direct = result?.flat.length === 1 ? result.flat[0] : undefined
  const passed = params.map((_, index) => `(local.get ${index})`).join(' ')
  const signature = params.map((kind) => `(param ${kind})`).join(' ')
  if (direct !== undefined) {
    return `(module
      (import "host" "echo" (func $echo ${signature} (result ${direct})))
      ${allocator}
      (func (export "echo") ${signature} (result ${direct}) (call $echo ${passed})))`
  }
  return `(module
    (import "host" "echo" (func $echo ${signature} (param i32)))
    ${allocator}
    (func (export "echo") ${signature} (result i32)
      (local $out i32)
      (local.set $out (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const ${result?.size ?? 0})))
      (call $echo ${passed} (local.get $out))
      (local.get $out)))`
}
