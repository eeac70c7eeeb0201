import { describe, expect, it } from 'vitest'
import { failureOf } from '../../../test/support/failure.ts'
import { parseEngineConfig } from './engine-config.ts'

const read = (text: string) => parseEngineConfig(text, 'engine.toml', {}).operator.stores.event

describe('stores.event of engine.toml', () => {
  it('is SQLite unless it says', () => {
    expect(read('')).toEqual({
      kind: 'sqlite',
      url: null,
      credentialsFile: null,
      nkeySeedFile: null,
      caFile: null,
      replicas: 1,
    })
  })

  it('names a server and the files of its credentials', () => {
    const text = `[stores.event]\nkind = "nats"\nurl = "nats://a:4222, tls://[::1]:4223"\ncredentials_file = "/c"\nreplicas = 3`
    expect(read(text)).toMatchObject({ kind: 'nats', credentialsFile: '/c', replicas: 3 })
  })

  it.each([
    ['kind = "nats"', 'url'],
    ['kind = "nats"\nurl = "nats://user:secret@a:4222"', 'url'],
    ['kind = "nats"\nurl = "http://a"', 'url'],
    ['kind = "files"', 'kind'],
    ['replicas = 2', 'replicas'],
    ['server = "a"', 'server'],
  ])('%j names what is wrong and shows no secret', (text, key) => {
    const error = failureOf(() => read(`[stores.event]\n${text}`))
    expect(error.code).toMatch(/^settings\./)
    expect(error.message).toContain(key)
    expect(error.message).not.toContain('secret')
  })
})
