import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { gzipSync, zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { knownCapabilities } from '../contracts/registry.ts'
import { checkedPath } from './archive/entry.ts'
import { openBundle, type Bundle } from './bundle.ts'

const wasm = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)
const manifest = new TextEncoder().encode('[module]\nname = "demo"\n')
let base: string
let stateDir: string

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'paddock-bundle-'))
  stateDir = join(base, 'state')
})
afterEach(() => rm(base, { recursive: true, force: true }))

function open(path: string, manifestFile?: string): Promise<Bundle> {
  return openBundle(path, {
    stateDir,
    knownCapabilities: knownCapabilities(),
    ...(manifestFile === undefined ? {} : { manifestFile }),
  })
}

async function failure(promise: Promise<unknown>): Promise<PaddockError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof PaddockError) return error
  throw new Error('It did not fail as it should.', { cause: error })
}

async function folder(files: Record<string, Uint8Array | string>): Promise<string> {
  const path = await mkdtemp(join(base, 'folder-'))
  for (const [name, data] of Object.entries(files)) await writeFile(join(path, name), data)
  return path
}

async function file(name: string, data: Uint8Array): Promise<string> {
  const path = join(base, name)
  await writeFile(path, data)
  return path
}

interface TarEntry {
  readonly name: string
  readonly data?: Uint8Array
  readonly type?: string
}

function tar(entries: readonly TarEntry[], end = true): Uint8Array {
  const blocks: Uint8Array[] = []
  for (const { name, data = new Uint8Array(), type = '0' } of entries) {
    const header = Buffer.alloc(512)
    header.write(name.slice(0, 100), 0)
    header.write('0000644\0', 100)
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write(type, 156)
    if (type === '2' || type === '1') header.write('/etc/passwd', 157)
    header.write('ustar\x0000', 257)
    header.fill(' ', 148, 156)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    blocks.push(header, data, new Uint8Array((512 - (data.length % 512)) % 512))
  }
  if (end) blocks.push(new Uint8Array(1024))
  return Buffer.concat(blocks)
}

function tgz(entries: readonly TarEntry[]): Uint8Array {
  return gzipSync(tar(entries))
}

const good: TarEntry[] = [
  { name: 'demo/', type: '5' },
  { name: 'demo/paddock.toml', data: manifest },
  { name: './demo/module.wasm', data: wasm },
]

describe('folders and components', () => {
  it('opens a folder', async () => {
    const path = await folder({ 'paddock.toml': manifest, 'module.wasm': wasm })
    expect(await open(path)).toMatchObject({
      kind: 'folder',
      path,
      root: path,
      manifest: { name: 'demo' },
      componentBytes: 8,
    })
    expect((await open(join(path, 'paddock.toml'))).manifest.name).toBe('demo')
    expect((await open(join(path, 'module.wasm'))).manifest.name).toBe('demo')
  })

  it('spec nexum-host 18 row 8: prefers paddock.toml, then nexum.toml, then module.toml', async () => {
    const toml = (name: string): string => `[module]\nname = "${name}"\n[capabilities]\n`
    const path = await folder({ 'module.toml': toml('c'), 'module.wasm': wasm })
    expect((await open(path)).manifest.name).toBe('c')
    await writeFile(join(path, 'nexum.toml'), toml('b'))
    const error = await failure(open(path))
    expect(error.code).toBe('manifest.ambiguous')
    expect(error.details).toMatchObject({ files: [join(path, 'nexum.toml'), join(path, 'module.toml')] })
    await writeFile(join(path, 'nexum.toml'), toml('c'))
    expect((await open(path)).manifest.source.file).toBe(join(path, 'nexum.toml'))
    await writeFile(join(path, 'paddock.toml'), toml('a'))
    expect((await open(path)).manifest.name).toBe('a')
    const explicit = await file('other.toml', new TextEncoder().encode(toml('x')))
    expect((await open(path, explicit)).manifest.name).toBe('x')
  })

  it('gives a bare component defaults, also beside a manifest of another', async () => {
    const path = await folder({ 'paddock.toml': manifest, 'module.wasm': wasm, 'other.wasm': wasm })
    expect(await open(join(path, 'other.wasm'))).toMatchObject({
      kind: 'component',
      manifest: { name: 'other', capabilities: { policy: 'none' } },
    })
  })

  it.each([
    ['nothing there', (root: string) => join(root, 'absent'), 'bundle.not_found'],
    ['empty folder', async () => folder({}), 'bundle.no_component'],
    ['no manifest', async () => folder({ 'module.wasm': wasm }), 'manifest.missing'],
    ['no component', async () => folder({ 'paddock.toml': manifest }), 'bundle.no_component'],
    ['a text', async () => file('notes.txt', manifest), 'component.not_wasm'],
  ])('refuses: %s', async (_, make, code) => {
    expect((await failure(open(await make(base)))).code).toBe(code)
  })

  it('refuses a component that is too large, unread', async () => {
    const path = await folder({ 'paddock.toml': manifest, 'module.wasm': wasm })
    await truncate(join(path, 'module.wasm'), 64 * 1024 * 1024 + 1)
    expect((await failure(open(path))).code).toBe('bundle.too_large')
  })

  it('refuses links that leave the folder, and follows those that stay', async () => {
    const outside = await file('secret.wasm', wasm)
    const path = await folder({ 'paddock.toml': manifest, 'real.wasm': wasm })
    await symlink('real.wasm', join(path, 'module.wasm'))
    expect((await open(path)).componentPath.endsWith('real.wasm')).toBe(true)
    await rm(join(path, 'module.wasm'))
    await symlink(outside, join(path, 'module.wasm'))
    expect((await failure(open(path))).details).toMatchObject({ reason: 'link' })
    const other = await folder({ 'module.wasm': wasm })
    await symlink(await file('host.toml', manifest), join(other, 'paddock.toml'))
    expect((await failure(open(other))).code).toBe('bundle.unsafe_archive')
  })
})

describe('spec nexum-host 18 row 16: archives', () => {
  it.each([
    ['demo.tar.gz', () => tgz(good)],
    [
      'flat.tgz',
      () =>
        tgz([
          { name: 'paddock.toml', data: manifest },
          { name: 'module.wasm', data: wasm },
        ]),
    ],
    ['demo.zip', () => zipSync({ demo: { 'paddock.toml': manifest, 'module.wasm': wasm } })],
    ['stored.zip', () => zipSync({ 'paddock.toml': manifest, 'module.wasm': wasm }, { level: 0 })],
  ])('unpacks %s once', async (name, make) => {
    const path = await file(name, make())
    const bundle = await open(path)
    expect(bundle).toMatchObject({ kind: 'archive', path, manifest: { name: 'demo' } })
    expect(new Uint8Array(await readFile(bundle.componentPath))).toEqual(wasm)
    expect(await open(path)).toEqual(bundle)
    expect(await readdir(join(stateDir, 'bundles'))).toHaveLength(1)
    await writeFile(bundle.componentPath, 'cut')
    expect((await open(path)).componentBytes).toBe(8)
  })

  it('reads long names of pax and GNU', async () => {
    const long = `${'d'.repeat(90)}/${'e'.repeat(90)}.txt`
    const record = ` path=${long}\n`
    const pax = `${record.length + 3}${record}`
    const path = await file('long.tgz', tgz([
      { name: 'x', type: 'x', data: new TextEncoder().encode(pax) }, { name: 'short', data: wasm },
      { name: '././@LongLink', type: 'L', data: new TextEncoder().encode(`2${long}\0`) }, { name: 'short2', data: wasm },
      { name: 'paddock.toml', data: manifest }, { name: 'module.wasm', data: wasm },
    ])) // prettier-ignore
    const { root } = await open(path)
    expect((await readFile(join(root, long))).length).toBe(8)
    expect((await readFile(join(root, `2${long}`))).length).toBe(8)
  })

  it.each<[string, () => Uint8Array, string]>([
    ['parent in tar', () => tgz([...good, { name: '../x', data: wasm }]), 'parent'],
    ['parent deeper', () => tgz([...good, { name: 'a/../../x', data: wasm }]), 'parent'],
    ['absolute in tar', () => tgz([...good, { name: '/etc/x', data: wasm }]), 'absolute'],
    ['drive', () => tgz([...good, { name: 'C:/x', data: wasm }]), 'absolute'],
    ['symbolic link', () => tgz([...good, { name: 'l', type: '2' }]), 'link'],
    ['hard link', () => tgz([...good, { name: 'l', type: '1' }]), 'link'],
    ['device', () => tgz([...good, { name: 'd', type: '3' }]), 'device'],
    ['pipe', () => tgz([...good, { name: 'd', type: '6' }]), 'device'],
    ['unknown type', () => tgz([...good, { name: 'd', type: 'S' }]), 'unsupported'],
    ['duplicate', () => tgz([...good, { name: 'demo/module.wasm', data: wasm }]), 'duplicate'],
    ['duplicate by case', () => tgz([...good, { name: 'demo/MODULE.wasm', data: wasm }]), 'duplicate'],
    ['file as folder', () => tgz([...good, { name: 'demo/module.wasm/x', data: wasm }]), 'duplicate'],
    ['backslash', () => tgz([...good, { name: 'a\\b', data: wasm }]), 'name'],
    ['too many', () => tgz(Array.from({ length: 1_001 }, (_, index) => ({ name: `f${index}` }))), 'too-many'],
    ['ratio', () => tgz([...good, { name: 'zeros', data: new Uint8Array(16 * 1024 * 1024) }]), 'ratio'],
    ['cut off', () => gzipSync(tar(good, false)), 'damaged'],
    ['damaged gzip', () => tgz(good).slice(0, 60), 'damaged'],
    ['no tar', () => gzipSync(new Uint8Array(2048).fill(65)), 'damaged'],
    ['parent in zip', () => zipSync({ '../x': wasm }), 'parent'],
    ['absolute in zip', () => zipSync({ '/x': wasm }), 'absolute'],
    ['link in zip', () => zipSync({ l: [wasm, { os: 3, attrs: 0o120777 << 16 }] }), 'link'],
    ['device in zip', () => zipSync({ l: [wasm, { os: 3, attrs: 0o020777 << 16 }] }), 'device'],
    ['bomb in zip', () => zipSync({ zeros: new Uint8Array(16 * 1024 * 1024) }), 'ratio'],
    ['damaged zip', () => zipSync({ a: wasm }).slice(0, 40), 'damaged'],
  ])('refuses before any write: %s', async (_, make, reason) => {
    const path = await file('bad.archive', make())
    const error = await failure(open(path))
    expect(error.code).toBe('bundle.unsafe_archive')
    expect(error.details).toMatchObject({ reason })
    await expect(readdir(stateDir)).rejects.toThrow()
  })

  it('refuses a zip entry that is larger than it says', async () => {
    const bytes = Buffer.from(zipSync({ a: new Uint8Array(1_000) }))
    const central = bytes.indexOf(Buffer.from('PK\u0001\u0002'))
    bytes.writeUInt32LE(10, central + 24)
    expect((await failure(open(await file('lie.zip', bytes)))).details).toMatchObject({ reason: 'too-large' })
  })

  it('refuses a zip whose two directories disagree', async () => {
    const bytes = Buffer.from(zipSync({ aaaa: wasm }))
    bytes.write('bbbb', 30)
    expect((await failure(open(await file('lie.zip', bytes)))).details).toMatchObject({ reason: 'damaged' })
  })

  it('reports a state directory that cannot be written', async () => {
    await writeFile(stateDir, 'a file')
    expect((await failure(open(await file('demo.tgz', tgz(good))))).code).toBe('state.unwritable')
  })

  it('never lets a path leave its folder', async () => {
    await mkdir(stateDir)
    const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', 'C:', 'b.', '~'), fc.string({ maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('/', '\\'), (parts, separator) => {
        let path: string
        try {
          path = checkedPath(parts.join(separator))
        } catch (error) {
          expect(error).toBeInstanceOf(PaddockError)
          return
        }
        expect(join('/root', path) === '/root' || join('/root', path).startsWith('/root/')).toBe(true)
        expect(path).not.toMatch(/[\\:\0]|(^|\/)\.\.?(\/|$)/)
      }),
    )
  })
})
