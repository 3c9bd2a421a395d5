import { describe, expect, test } from 'vitest'
import { parseCount, parseDuration, parseOneOf, parsePort, parseSize, parseText } from './index.ts'

describe('a time', () => {
  test.each([
    ['0', 0],
    ['0ms', 0],
    ['0s', 0],
    ['1ms', 1],
    ['500ms', 500],
    ['10s', 10_000],
    ['010s', 10_000],
    ['1.5s', 1500],
    ['0.25s', 250],
    ['0.001s', 1],
    ['5m', 300_000],
    ['0.5m', 30_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['24h', 86_400_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  test.each([
    '',
    ' ',
    '10',
    '1.5',
    '00',
    's',
    'ms',
    '.5s',
    '5.s',
    '1.s',
    '-1s',
    '+1s',
    '1e3s',
    '0x10s',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1S',
    '1sec',
    '1min',
    '1d',
    '1m30s',
    '1,5s',
    '1_000s',
    '١s',
    'Infinitys',
    'NaNs',
    'soon',
  ])('%j is invalid, and the error says what is expected', (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError)
    expect(() => parseDuration(text)).toThrow('expected a time like 500ms, 10s or 5m, or 0 for no limit')
  })

  // 0 is no limit, so the shortest limit must not become 0.
  test.each(['0.4ms', '0.0001s'])('%s is not rounded to 0, which means no limit', (text) => {
    expect(resultOf(parseDuration, text)).not.toBe(0)
  })

  test('of 400 digits is none: no number can hold it', () => {
    expect(() => parseDuration(`${'9'.repeat(400)}s`)).toThrow(RangeError)
  })
})

describe('a size', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['4096', 4096],
    ['4096B', 4096],
    ['0KiB', 0],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['16MiB', 16_777_216],
    ['4GiB', 4_294_967_296],
    ['007', 7],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each([
    '',
    ' ',
    'KiB',
    'B',
    '-1',
    '+1',
    '1.5MiB',
    '1e3',
    '0x10',
    '1 KiB',
    ' 1',
    '1 ',
    '1\n',
    '1kib',
    '1KB',
    '1kB',
    '1K',
    '1M',
    '1TiB',
    '1_000',
    '1,000',
    '١',
    'Infinity',
    'NaN',
    'large',
  ])('%j is invalid, and the error says what is expected', (text) => {
    expect(() => parseSize(text)).toThrow(RangeError)
    expect(() => parseSize(text)).toThrow('expected a size like 4096, 64KiB or 1MiB, or 0 for no limit')
  })

  test.each([
    ['of 400 digits', '9'.repeat(400)],
    ['above 2^53', '9007199254740993'],
    ['above 2^53 in bytes', '9007199254740991GiB'],
  ])('%s is none: no number can hold it', (_what, text) => {
    expect(() => parseSize(text)).toThrow(RangeError)
  })
})

describe('a count', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['007', 7],
    ['10000', 10_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %d', (text, count) => {
    expect(parseCount(text)).toBe(count)
  })

  test.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1_000',
    '1,000',
    '١',
    'NaN',
    'many',
  ])('%j is invalid, and the error says what is expected', (text) => {
    expect(() => parseCount(text)).toThrow(RangeError)
    expect(() => parseCount(text)).toThrow('expected a whole number, 0 or more')
  })

  test.each([
    ['of 400 digits', '9'.repeat(400)],
    ['above 2^53', '9007199254740993'],
  ])('%s is none: no number can hold it', (_what, text) => {
    expect(() => parseCount(text)).toThrow(RangeError)
  })
})

describe('a port', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['8888', 8888],
    ['08888', 8888],
    ['65535', 65_535],
  ])('%s is %d', (text, port) => {
    expect(parsePort(text)).toBe(port)
  })

  test.each([
    '',
    ' ',
    '-1',
    '+1',
    '65536',
    '100000',
    '99999999999999999999',
    '80.0',
    '1e3',
    '0x50',
    ' 80',
    '80 ',
    '80\n',
    'http',
  ])('%j is invalid, and the error says what is expected', (text) => {
    expect(() => parsePort(text)).toThrow(RangeError)
    expect(() => parsePort(text)).toThrow('expected a port from 0 (any free one) to 65535')
  })
})

describe('one of some words', () => {
  const parse = parseOneOf(['json', 'pretty'] as const)

  test.each(['json', 'pretty'])('%s is one', (word) => {
    expect(parse(word)).toBe(word)
  })

  test.each(['', 'JSON', 'jso', 'jsonpretty', 'json ', 'toString', 'json,pretty'])(
    '%j is invalid, and the error says what is expected',
    (text) => {
      expect(() => parse(text)).toThrow(RangeError)
      expect(() => parse(text)).toThrow('expected one of json, pretty')
    },
  )
})

describe('a text', () => {
  test.each(['x', '127.0.0.1', ' ', '-', 'naïve'])('%j is one', (text) => {
    expect(parseText(text)).toBe(text)
  })

  test('is not empty', () => {
    expect(() => parseText('')).toThrow(RangeError)
    expect(() => parseText('')).toThrow('expected a text, got an empty one')
  })
})

/** The parsed value; undefined if the parser refuses it. */
function resultOf<Value>(parse: (text: string) => Value, text: string): Value | undefined {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
