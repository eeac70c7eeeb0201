/** Bundles of tools for the tests: real components with a declaration of the test's own. */
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { probeToolPath } from '../../support/tool-components.ts'
import { root } from './paddock.ts'

/** The tool that does what its parameters say; it may ask the port of this machine, with a secret as bearer. */
export async function probeBundle(parent: string, port: number, secret: string): Promise<string> {
  const folder = path.join(parent, 'probe')
  await mkdir(folder, { recursive: true })
  await copyFile(await probeToolPath(), path.join(folder, 'module.wasm'))
  const lines = [
    'schema = "tool.v1"',
    'id = "probe"',
    'version = "1.0.0"',
    'component = "module.wasm"',
    'wit = "near:agent@0.4.1"',
    '[[http.allow]]',
    'scheme = "http"',
    'host = "127.0.0.1"',
    `port = ${port}`,
    'methods = ["GET", "POST"]',
    '[[credentials]]',
    `secret = "${secret}"`,
    'inject = { type = "bearer" }',
    'hosts = ["127.0.0.1"]',
    '[secrets]',
    `visible = ["${secret}"]`,
    '[[operations]]',
    'id = "probe.try"',
    'description = "Does one step after the other."',
    'effects = ["network", "use_secret"]',
    'permission = "allow"',
    '[[operations]]',
    'id = "probe.write"',
    'description = "May change things on the server."',
    'effects = ["network", "use_secret", "external_write"]',
  ]
  await writeFile(path.join(folder, 'tool.toml'), `${lines.join('\n')}\n`)
  return folder
}

/** The project's own http-status, which may ask the port of this machine. */
export async function httpStatusBundle(parent: string, port: number): Promise<string> {
  const folder = path.join(parent, 'http-status')
  await cp(path.join(root, 'modules/http-status'), folder, { recursive: true })
  const file = path.join(folder, 'tool.toml')
  const declared = await readFile(file, 'utf8')
  await writeFile(file, declared.replace(/port\s*= 8545/, `port = ${port}`))
  return folder
}
