import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayElements, objectMembers } from './raw-json.ts'

const printed = fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t', '  '))

describe('raw JSON', () => {
  it('finds every member of any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
        const members = objectMembers(JSON.stringify(object, null, indent))
        const read = Object.fromEntries(
          [...members].map(([name, text]) => [name, JSON.parse(text) as unknown]),
        )
        expect(JSON.stringify(read)).toBe(JSON.stringify(object))
      }),
    )
  })

  it('finds every element of any list', () => {
    fc.assert(
      fc.property(fc.array(printed), (values) => {
        const texts = values.map(([value, indent]) => JSON.stringify(value, null, indent))
        expect(arrayElements(`[ ${texts.join(' ,\r\n')} ]`)).toEqual(texts)
      }),
    )
  })

  it('leaves digits, escapes and blanks as they are', () => {
    const text = '{"id":1, "result" : {"n": 123456789012345678901234567890, "s":"\\u0041\\\\"} ,"x":1e400}'
    expect(objectMembers(text).get('result')).toBe('{"n": 123456789012345678901234567890, "s":"\\u0041\\\\"}')
    expect(objectMembers(text).get('x')).toBe('1e400')
  })

  it('takes the last of a repeated name, as JSON.parse does', () => {
    expect(objectMembers('{"a":1,"a":2}').get('a')).toBe('2')
  })
})
