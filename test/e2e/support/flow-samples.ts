/** A flow of compiled stages with something to see: a filter, a router, a sink that cannot keep up. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stageComponent, type StageName } from '../../fixtures/stages/components.ts'

const text = `[torvyn]
name = "numbers"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main]
description = "Numbers, sorted into what is kept and what is told."

[flow.main.nodes.numbers]
component = "file://counter-source.wasm"
config = "0 64"

[flow.main.nodes.flip]
component = "file://flip-transform.wasm"

[flow.main.nodes.even]
component = "file://even-filter.wasm"

[flow.main.nodes.split]
component = "file://port-router.wasm"
ports = ["a", "b"]
error_policy = { kind = "log" }

[flow.main.nodes.enrich]
component = "file://../shared/clone-transform.wasm"
config = "as it is"

[flow.main.nodes.slow]
component = "file://sum-sink.wasm"
config = "2"
pause_probe_ms = [60, 60]

[flow.main.nodes.keep]
component = "store:numbers"

[[flow.main.edges]]
from = { node = "numbers" }
to = { node = "flip" }
rate_limit = 420

[[flow.main.edges]]
from = { node = "flip" }
to = { node = "even" }

[[flow.main.edges]]
from = { node = "even" }
to = { node = "split" }

[[flow.main.edges]]
from = { node = "split", port = "a" }
to = { node = "enrich" }

[[flow.main.edges]]
from = { node = "enrich" }
to = { node = "slow" }

[[flow.main.edges]]
from = { node = "split", port = "b" }
to = { node = "keep" }

[security.grants.flip]
capabilities = ["wasi-clocks"]
`

/** Writes the flow below `folder`; answers its folder. */
export async function numbersFlow(folder: string): Promise<string> {
  const own = path.join(folder, 'numbers')
  const shared = path.join(folder, 'shared')
  await mkdir(own, { recursive: true })
  await mkdir(shared, { recursive: true })
  const names: readonly StageName[] = [
    'counter-source',
    'flip-transform',
    'even-filter',
    'port-router',
    'clone-transform',
    'sum-sink',
  ]
  for (const name of names) await writeFile(path.join(own, `${name}.wasm`), await stageComponent(name))
  await copyFile(path.join(own, 'clone-transform.wasm'), path.join(shared, 'clone-transform.wasm'))
  await rm(path.join(own, 'clone-transform.wasm'))
  await writeFile(path.join(own, 'Torvyn.toml'), text)
  return own
}
