#!/usr/bin/env node
// Completes package-lock.json after `npm install`. Where the registry in use lacks the packages of other platforms,
// npm leaves those optional packages out of the lock, and every later `npm ci` refuses the lock as out of step.
// Entries added here carry the exact version that their parent names, but no integrity hash.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './setup/paths.mjs'

const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/
const systems = ['win32', 'darwin', 'freebsd', 'openharmony', 'android', 'linux']
const processors = [
  ['arm64', /arm64|aarch64/],
  ['x64', /amd64|x64|x86_64/],
  ['ia32', /ia32/],
  ['wasm32', /wasm32/],
  ['arm', /arm/],
  ['ppc64', /ppc64/],
  ['s390x', /s390x/],
  ['riscv64', /riscv64/],
  ['loong64', /loong64/],
]

const file = join(root, 'package-lock.json')
const lock = JSON.parse(await readFile(file, 'utf8'))
const packages = lock.packages
const added = Object.entries({ ...packages }).flatMap(([path, entry]) => complete(path, entry))
const order = ([a], [b]) => (a < b ? -1 : 1)
lock.packages = Object.fromEntries(Object.entries(packages).sort(order))
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} entries added\n${added.join('\n')}`)

function complete(path, entry) {
  const optional = Object.entries(entry.optionalDependencies ?? {})
  const missing = optional.filter(([name, version]) => {
    if (!exact.test(version)) return false
    const found = find(path, name)
    return found === undefined || packages[found].version !== version
  })
  return missing.map(([name, version]) => {
    const place = placeFor(path, name, version, optional)
    packages[place] = { version, ...platform(name), ...(entry.dev === true && { dev: true }), optional: true }
    return `${place}@${version}`
  })
}

/** Where Node would find `name` from the package at `path`. */
function find(path, name) {
  const parts = path === '' ? [] : path.split(/\/?node_modules\//).slice(1)
  for (let depth = parts.length; depth >= 0; depth--) {
    const place = [...parts.slice(0, depth), name].map((part) => `node_modules/${part}`).join('/')
    if (place in packages) return place
  }
  return undefined
}

/** Beside a sibling of the same version where there is one, as npm would place it; else below its parent. */
function placeFor(path, name, version, optional) {
  const siblings = optional.map(([other]) => find(path, other))
  const sibling = siblings.find((place) => place !== undefined && packages[place].version === version)
  const beside =
    sibling === undefined
      ? undefined
      : `${sibling.slice(0, sibling.lastIndexOf('node_modules/'))}node_modules/${name}`
  return beside === undefined || beside in packages ? `${path}/node_modules/${name}` : beside
}

function platform(name) {
  const os = systems.find((system) => name.includes(system))
  const cpu = processors.find(([, pattern]) => pattern.test(name))?.[0]
  const libc = name.includes('musl') ? 'musl' : os === 'linux' && name.includes('gnu') ? 'glibc' : undefined
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) }
}
