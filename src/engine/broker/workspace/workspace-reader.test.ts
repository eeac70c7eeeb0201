import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isDeclared, isPlainPath } from './workspace-path.ts'
import { readWorkspaceFile } from './workspace-reader.ts'

const read = ['context/', 'notes/today.md']

let outer: string
let root: string

const ask = (asked: string, maxFileBytes = 1_000): Promise<string | null> =>
  readWorkspaceFile({ root, read, maxFileBytes }, asked)

beforeAll(async () => {
  outer = await mkdtemp(path.join(tmpdir(), 'paddock-workspace-'))
  root = path.join(outer, 'workspace')
  await mkdir(path.join(root, 'context/deep'), { recursive: true })
  await mkdir(path.join(root, 'notes'))
  await mkdir(path.join(outer, 'private'))
  await writeFile(path.join(outer, 'private/key.txt'), 'outside')
  await writeFile(path.join(root, 'context/plan.md'), 'the plan: ä 🙂')
  await writeFile(path.join(root, 'context/deep/a.txt'), 'deep')
  await writeFile(path.join(root, 'context/empty'), '')
  await writeFile(path.join(root, 'context/full'), 'x'.repeat(1_000))
  await writeFile(path.join(root, 'context/over'), 'x'.repeat(1_001))
  await writeFile(path.join(root, 'context/binary'), Buffer.from([0x61, 0xff, 0xfe, 0x00]))
  await writeFile(path.join(root, 'context/marked'), '\ufeffmarked')
  await writeFile(path.join(root, 'notes/today.md'), 'today')
  await writeFile(path.join(root, 'notes/other.md'), 'other')
  await writeFile(path.join(root, 'top.md'), 'top')
  await symlink(path.join(outer, 'private/key.txt'), path.join(root, 'context/out'))
  await symlink(path.join(outer, 'private'), path.join(root, 'context/folder-out'))
  await symlink('../notes/other.md', path.join(root, 'context/undeclared'))
  await symlink('deep/a.txt', path.join(root, 'context/within'))
  await symlink('nowhere', path.join(root, 'context/nowhere'))
  await promisify(execFile)('mkfifo', [path.join(root, 'context/pipe')])
})

afterAll(() => rm(outer, { recursive: true, force: true }))

describe('spec tools 14 row workspace', () => {
  it.each([
    ['context/plan.md', 'the plan: ä 🙂'],
    ['context/deep/a.txt', 'deep'],
    ['context/empty', ''],
    ['context/full', 'x'.repeat(1_000)],
    ['context/marked', '\ufeffmarked'],
    ['context/within', 'deep'],
    ['notes/today.md', 'today'],
  ])('a good file gives its text: %s', async (asked, text) => {
    expect(await ask(asked)).toBe(text)
  })

  it.each([
    ['an absolute path', '/etc/passwd'],
    ['the absolute path of a good file', 'ROOT/context/plan.md'],
    ['a parent', '..'],
    ['a way out', 'context/../../private/key.txt'],
    ['a way round', 'context/../notes/other.md'],
    ['dots within a name', 'context/a..b'],
    ['a backslash', 'context\\plan.md'],
    ['a leading backslash', '\\context/plan.md'],
    ['a drive letter', 'C:x'],
    ['a NUL', 'context/plan.md\0'],
    ['a control character', 'context/pl\u0007an.md'],
    ['nothing', ''],
    ['more than 1024 bytes', `context/${'a'.repeat(1_017)}`],
    ['a lone surrogate', 'context/\ud800'],
    ['an empty part', 'context//plan.md'],
    ['a dot as a part', 'context/./plan.md'],
    ['a file outside the prefixes', 'top.md'],
    ['a file beside an exact one', 'notes/other.md'],
    ['an exact file as a prefix', 'notes/today.md/x'],
    ['a prefix in another case', 'Context/plan.md'],
    ['a folder', 'context/deep'],
    ['the prefix itself', 'context/'],
    ['a file that is not there', 'context/none'],
    ['a link out of the workspace', 'context/out'],
    ['a file below a link out of the workspace', 'context/folder-out/key.txt'],
    ['a link to a file outside the prefixes', 'context/undeclared'],
    ['a link to nowhere', 'context/nowhere'],
    ['a named pipe', 'context/pipe'],
    ['a file that is too large', 'context/over'],
    ['a file that is no UTF-8', 'context/binary'],
  ])('none for %s', async (_what, asked) => {
    expect(await ask(asked.replace('ROOT', root))).toBeNull()
  })

  it('none where nothing is declared, or the workspace is not there', async () => {
    expect(await readWorkspaceFile({ root, read: [], maxFileBytes: 100 }, 'context/plan.md')).toBeNull()
    const gone = path.join(outer, 'gone')
    expect(await readWorkspaceFile({ root: gone, read, maxFileBytes: 100 }, 'context/plan.md')).toBeNull()
  })

  it('a workspace that is itself reached by a link is one all the same', async () => {
    const link = path.join(outer, 'link')
    await symlink(root, link)
    const options = { root: link, read, maxFileBytes: 100 }
    expect(await readWorkspaceFile(options, 'context/plan.md')).toBe('the plan: ä 🙂')
    expect(await readWorkspaceFile(options, 'context/out')).toBeNull()
  })

  it('streams of a file are refused on Windows', () => {
    expect(isPlainPath('context/plan.md:hidden', true)).toBe(false)
    expect(isPlainPath('context/10:30.md', false)).toBe(true)
  })

  it('no path that passes leads out of a declared prefix', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', 'context', 'notes', 'a', '\\', 'C:', '\0', '%2e%2e'),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const asked = parts.join('/')
        if (!isPlainPath(asked, false) || !isDeclared(asked, read)) return
        const resolved = path.posix.resolve('/root', asked)
        expect(resolved === '/root/notes/today.md' || resolved.startsWith('/root/context/')).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
