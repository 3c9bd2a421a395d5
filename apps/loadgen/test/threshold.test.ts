import { describe, expect, it } from 'vitest'
import { showValue } from '../src/format.ts'
import { judge, parseThreshold } from '../src/judge/threshold.ts'
import { flat, makeRun } from './runs.ts'

describe('a threshold', () => {
  it.each([
    { text: 'p99<5ms', metric: 'p99', operator: '<', limit: 5 },
    { text: ' p99.9 <= 300us ', metric: 'p999', operator: '<=', limit: 0.3 },
    { text: 'max<1.5s', metric: 'max', operator: '<', limit: 1500 },
    { text: 'service.p99>1ms', metric: 'service.p99', operator: '>', limit: 1 },
    { text: 'service.p99.9<1ms', metric: 'service.p999', operator: '<', limit: 1 },
    { text: 'acksPerSecond>=1M', metric: 'acksPerSecond', operator: '>=', limit: 1_000_000 },
    { text: 'sentRate>=99.5k', metric: 'sentRate', operator: '>=', limit: 99_500 },
    { text: 'errors==0', metric: 'errors', operator: '==', limit: 0 },
  ])('is read from "$text"', ({ text, metric, operator, limit }) => {
    expect(parseThreshold(text)).toMatchObject({ text: text.trim(), metric: { name: metric }, operator, limit })
  })

  it.each([
    { text: '', told: /a metric, one of < <= > >= ==, and a value, like p99<5ms/ },
    { text: 'p99', told: /like p99<5ms/ },
    { text: 'p99=5ms', told: /one of < <= > >= ==/ },
    { text: 'p99<>5ms', told: /one of < <= > >= ==/ },
    { text: 'p98<5ms', told: /no metric 'p98': p50, p90, p99, p999, .*acksPerSecond.*service\.p50/ },
    { text: 'toString<5ms', told: /no metric 'toString'/ },
    { text: 'p99<5', told: /the value of p99 is '5': it must be a time like 300us, 5ms or 1s/ },
    { text: 'p99<5m', told: /it must be a time/ },
    { text: 'p99<-5ms', told: /like p99<5ms/ },
    {
      text: 'acksPerSecond>=1ms',
      told: /the value of acksPerSecond is '1ms': it must be a number like 0, 200k or 1\.5M/,
    },
  ])('is refused where it can not be read, and what is allowed is told: "$text"', ({ text, told }) => {
    expect(() => parseThreshold(text)).toThrow(RangeError)
    expect(() => parseThreshold(text)).toThrow(told)
    expect(() => parseThreshold(text)).not.toThrow(/\n/)
  })

  it.each([
    { text: 'p99<5ms', at: [4.999, 5, 5.001], passed: [true, false, false] },
    { text: 'p99<=5ms', at: [4.999, 5, 5.001], passed: [true, true, false] },
    { text: 'p99>5ms', at: [4.999, 5, 5.001], passed: [false, false, true] },
    { text: 'p99>=5ms', at: [4.999, 5, 5.001], passed: [false, true, true] },
    { text: 'p99==5ms', at: [4.999, 5, 5.001], passed: [false, true, false] },
  ])('passes or is crossed at its limit: $text', ({ text, at, passed }) => {
    const verdicts = at.map((ms) => judge([parseThreshold(text)], [makeRun({ latencyMs: flat(ms) })])[0].passed)
    expect(verdicts).toEqual(passed)
  })

  it('is of the response time, unless it says service', () => {
    const run = makeRun({ latencyMs: flat(100), serviceTimeMs: flat(1) })
    expect(judge(['p99<5ms', 'service.p99<5ms'].map(parseThreshold), [run])).toMatchObject([
      { actual: 100, passed: false },
      { actual: 1, passed: true },
    ])
  })

  it('judges the median of several runs, and of counts the worst run', () => {
    const runs = [1, 50, 2].map((ms) => makeRun({ latencyMs: flat(ms), errors: ms === 50 ? 7 : 0, acks: ms }))
    const thresholds = ['p99<5ms', 'errors==0', 'acks>1'].map(parseThreshold)
    expect(judge(thresholds, runs).map(({ actual, passed }) => [actual, passed])).toEqual([
      [2, true],
      [7, false],
      [1, false],
    ])
  })
})

describe('a value for a person', () => {
  it.each([
    ['time', 0, '0 ms'],
    ['time', 0.0314159, '31.42 µs'],
    ['time', 1, '1 ms'],
    ['time', 12.3456, '12.35 ms'],
    ['time', 1500, '1.5 s'],
    ['rate', 9999, '9,999/s'],
    ['rate', 93_149, '93.15 k/s'],
    ['rate', 10_222_195, '10.22 M/s'],
    ['count', 1_234_567, '1,234,567'],
  ] as const)('has a unit and at most four digits: %s %d', (kind, value, shown) => {
    expect(showValue(kind, value)).toBe(shown)
  })
})
