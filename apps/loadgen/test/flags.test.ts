import { describe, expect, test } from 'vitest'
import { parseLoadRate, parsePayloadSize, parseServer } from '../src/flags.ts'

describe('a rate', () => {
  test.each([
    ['500', 500],
    ['0.5', 0.5],
    ['200k', 200_000],
    ['1.5M', 1_500_000],
    ['1000M', 1e9],
    ['50k/s', 50_000],
    ['30/m', 0.5],
    ['10/h', 1 / 360],
    ['6k/m', 100],
  ])('%s is %d a second', (text, rate) => {
    expect(parseLoadRate(text)).toBeCloseTo(rate, 12)
  })

  test.each([
    '',
    '0',
    '0k',
    '-1',
    'k',
    '1K',
    '1 k',
    '1e3',
    '.5',
    '1001M',
    'Infinity',
    '/m',
    '30/',
    '30/d',
    '0/m',
    '30/m/m',
    '30 / m',
  ])('%j is none', (text) => {
    expect(() => parseLoadRate(text)).toThrow(RangeError)
  })
})

describe('a payload size', () => {
  test.each([
    ['0', 0],
    ['25', 25],
    ['16..1024', { min: 16, max: 1024 }],
    ['0..1', { min: 0, max: 1 }],
    ['7..7', 7],
  ])('%s', (text, size) => {
    expect(parsePayloadSize(text)).toEqual(size)
  })

  test.each(['', '-1', '1.5', '2..1', '1...2', '1..', '..2', '1..67108865', '67108865'])('%j is none', (text) => {
    expect(() => parsePayloadSize(text)).toThrow(RangeError)
  })
})

describe('a server', () => {
  test.each([
    ['127.0.0.1:8888', { host: '127.0.0.1', port: 8888 }],
    ['example.org:1', { host: 'example.org', port: 1 }],
    ['[::1]:8888', { host: '::1', port: 8888 }],
    ['unix:/run/demo.sock', { path: '/run/demo.sock' }],
  ])('%s', (text, location) => {
    expect(parseServer(text)).toEqual(location)
  })

  test.each(['', 'host', ':8888', 'host:', 'host:x', 'host:65536', '::1:8888', '[::1]', 'unix:'])(
    '%j is none',
    (text) => {
      expect(() => parseServer(text)).toThrow(RangeError)
    },
  )
})
