import { expect, it } from 'vitest'
import { chainConfigSchema } from '../../shared/domain/chain.ts'
import { chainAdvice } from './advice.ts'

const chain = (urls: string[], requireWs = true) =>
  chainConfigSchema.parse({ chainId: '1', name: 'Main', endpoints: urls.map((url) => ({ url })), requireWs })

it('advises on chains that must be polled, unless told not to', () => {
  expect(chainAdvice([chain(['http://a', 'https://b'])])).toEqual([expect.stringContaining('every 4 s')])
  expect(chainAdvice([chain(['http://a', 'ws://b']), chain([]), chain(['http://a'], false)])).toEqual([])
})
