/** Prints, as JSON, the fuel of the same calls on this Node and on Electron's. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fuelOfCalls, secondRuntime } from '../support/determinism.ts'

const artifacts = await mkdtemp(join(tmpdir(), 'paddock-artifacts-'))
const second = await secondRuntime()
const here = await fuelOfCalls(process.execPath, artifacts)
const there = second === undefined ? [] : await fuelOfCalls(second.executable, artifacts)
await rm(artifacts, { recursive: true, force: true })
// After what the set-up may have said on the way.
process.stdout.write(
  `\n${JSON.stringify({ versions: [process.versions.v8, second?.version], here, there })}\n`,
)
