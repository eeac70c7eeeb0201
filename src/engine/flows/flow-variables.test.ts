import { expect, it } from 'vitest'
import { checkFlowFile } from './file/check-file.ts'
import { flowVariables } from './flow-variables.ts'

it('keeps what is named for flows, and nothing that merely stands in the environment', () => {
  const environment = {
    PADDOCK_FLOW_TOKEN_LIST: 'a',
    TORVYN_RUNTIME_WORKER_THREADS: '2',
    AWS_SECRET_ACCESS_KEY: 'x',
    PATH: '/',
  }
  expect(flowVariables(environment)).toEqual({
    PADDOCK_FLOW_TOKEN_LIST: 'a',
    TORVYN_RUNTIME_WORKER_THREADS: '2',
  })
})

it('a flow file that allows itself a key of the environment is told that it is not set', () => {
  const file = (name: string): string => `
[flow.f]
env_allow = ["${name}"]
[flow.f.nodes.a]
component = "topic:in"
config = "\${${name}}"
[flow.f.nodes.b]
component = "store:out"
[[flow.f.edges]]
from = { node = "a", port = "output" }
to = { node = "b", port = "input" }
`
  const environment = flowVariables({ AWS_SECRET_ACCESS_KEY: 'x', PADDOCK_FLOW_A: 'y' })
  const codes = (name: string): string[] =>
    checkFlowFile('/flows/pipeline.toml', file(name), { environment }).problems.map(({ code }) => code)
  expect(codes('AWS_SECRET_ACCESS_KEY')).toContain('E0705')
  expect(codes('PADDOCK_FLOW_A')).not.toContain('E0705')
})
