/**
 * What a store call costs a compiled guest: bare better-sqlite3 against our binder against the generated glue, on
 * one thread. Run with Node 26: `node test/bench/binding.ts`. Prints microseconds per call and the ratios.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transpileBytes } from '@bytecodealliance/jco-transpile'
import Database from 'better-sqlite3'
import wabt from 'wabt'
import { bindComponent } from '../../src/sandbox/binding/bind-component.ts'
import type { ComponentGlue } from '../../src/sandbox/binding/glue.ts'
import { func, implement, ok, u32 } from '../../src/sandbox/binding/types.ts'
import { localStoreInterface } from '../../src/sandbox/contracts/event-module/interfaces.ts'

const repository = resolve(import.meta.dirname, '../..')
const key = 'balance/0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const valueBytes = 64
const callsPerRun = 2000
const rounds = 60

/** A guest that gets, or sets, one entry as often as asked. */
const guestText = `(module
  (import "nexum:host/local-store@0.2.0" "get" (func $get (param i32 i32 i32)))
  (import "nexum:host/local-store@0.2.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "${key}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "get") (param $turns i32)
    (loop $again
      (call $get (i32.const 1024) (i32.const ${key.length}) (i32.const 2048))
      (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1))))))
  (func (export "set") (param $turns i32)
    (loop $again
      (call $set (i32.const 1024) (i32.const ${key.length}) (i32.const 3072) (i32.const ${valueBytes}) (i32.const 2048))
      (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))`

async function buildGuest(): Promise<Uint8Array> {
  const wit = join(repository, 'resources/wit/nexum-host')
  const types = await readFile(join(wit, 'types.wit'), 'utf8')
  const store = await readFile(join(wit, 'local-store.wit'), 'utf8')
  const withoutPackage = (text: string): string => text.replace(/^package .*$/m, '')
  const witSource = `package nexum:host@0.2.0;\n${withoutPackage(types)}\n${withoutPackage(store)}
    world probe { import local-store; export get: func(turns: u32); export set: func(turns: u32); }`
  const binary = (await wabt()).parseWat('guest.wat', guestText).toBinary({}).buffer
  // ESM only, which Electron 25 cannot require.
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools')
  return componentNew(await componentEmbed({ binary, witSource, world: 'probe' }))
}

const folder = await mkdtemp(join(tmpdir(), 'paddock-bench-'))
try {
  const { files } = await transpileBytes(await buildGuest(), {
    name: 'component',
    instantiation: 'sync',
    asyncMode: 'sync',
    nodejsCompat: false,
    wasiShim: false,
  })
  const path = join(folder, 'component.mjs')
  await writeFile(path, files['component.js'] ?? '')
  const glue = (await import(pathToFileURL(path).href)) as ComponentGlue
  const getCoreModule = (name: string): WebAssembly.Module =>
    new WebAssembly.Module(files[name] ?? new Uint8Array())

  const database = new Database(join(folder, 'store.db'))
  database.pragma('journal_mode = WAL')
  database.exec('create table entries (key text primary key, value blob) without rowid')
  const select = database.prepare('select value from entries where key = ?').pluck()
  const upsert = database.prepare(
    'insert into entries values (?, ?) on conflict do update set value = excluded.value',
  )
  const read = (wanted: string): Uint8Array | undefined => select.get(wanted) as Uint8Array | undefined
  const write = (wanted: string, value: Uint8Array): void => void upsert.run(wanted, value)
  write(key, new Uint8Array(valueBytes))

  const direct = bindComponent({
    glue,
    getCoreModule,
    otherImports: {},
    hosts: [
      implement(localStoreInterface, {
        get: (wanted) => ok(read(wanted)),
        set(wanted, value) {
          write(wanted, value)
          return ok()
        },
        delete: () => ok(),
        listKeys: () => ok([]),
      }),
    ],
    exports: { get: func([u32]), set: func([u32]) },
  })
  if (!direct.direct) throw new Error(`not bound directly: ${direct.indirect.join()}`)
  const generated = glue.instantiate(
    getCoreModule,
    { 'nexum:host/local-store': { get: read, set: write } },
    (module, imports) => new WebAssembly.Instance(module, imports),
  ) as Record<'get' | 'set', (turns: number) => void>

  const value = new Uint8Array(valueBytes)
  const repeat = (action: () => void) => (turns: number) => {
    for (let turn = 0; turn < turns; turn += 1) action()
  }
  const contestants = {
    'get bare': repeat(() => read(key)),
    'get binder': direct.exports.get,
    'get glue': generated.get,
    'set bare': repeat(() => {
      write(key, value)
    }),
    'set binder': direct.exports.set,
    'set glue': generated.set,
  }
  const best: Record<string, number> = {}
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contestants)) {
      // As in a dispatch: one transaction around all calls.
      database.exec('begin immediate')
      const start = process.hrtime.bigint()
      run(callsPerRun)
      const micros = Number(process.hrtime.bigint() - start) / 1000 / callsPerRun
      database.exec('commit')
      best[name] = Math.min(best[name] ?? Infinity, micros)
    }
  }
  for (const operation of ['get', 'set']) {
    const bare = best[`${operation} bare`] ?? NaN
    for (const way of ['bare', 'binder', 'glue']) {
      const micros = best[`${operation} ${way}`] ?? NaN
      console.log(
        `${operation} ${way.padEnd(6)} ${micros.toFixed(2)} µs  ${(micros / bare).toFixed(2)} × bare`,
      )
    }
  }
  database.close()
} finally {
  await rm(folder, { recursive: true, force: true })
}
