import { describe, expect, it } from 'vitest'
import { judge, parseThreshold, showActual } from '../src/analysis/threshold.ts'
import { EMPTY_SUMMARY } from '../src/engine/distribution.ts'
import { showValue } from '../src/units/format.ts'
import { elementAt } from './element-at.ts'
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
    { text: 'p95<5ms', metric: 'p95', operator: '<', limit: 5 },
    { text: 'p99.99<5ms', metric: 'p99.99', operator: '<', limit: 5 },
    { text: 'p9999<5ms', metric: 'p99.99', operator: '<', limit: 5 },
    { text: 'service.p75<5ms', metric: 'service.p75', operator: '<', limit: 5 },
    { text: 'failed<1%', metric: 'failedAcks', operator: '<', limit: 0.01 },
    { text: 'failed<1', metric: 'failedAcks', operator: '<', limit: 1 },
    { text: 'timed-out<=0.1%', metric: 'timedOut', operator: '<=', limit: 0.001 },
    { text: 'unanswered<5%', metric: 'unanswered', operator: '<', limit: 0.05 },
    { text: 'acksPerSecond>=30/m', metric: 'acksPerSecond', operator: '>=', limit: 0.5 },
    { text: 'acks-per-second>=50k/s', metric: 'acksPerSecond', operator: '>=', limit: 50_000 },
  ])('is read from "$text"', ({ text, metric, operator, limit }) => {
    expect(parseThreshold(text)).toMatchObject({ text: text.trim(), metric: { name: metric }, operator, limit })
  })

  it.each([
    { text: '', expected: /a metric, one of < <= > >= ==, and a value, like p99<5ms/ },
    { text: 'p99', expected: /like p99<5ms/ },
    { text: 'p99=5ms', expected: /one of < <= > >= ==/ },
    { text: 'p99<>5ms', expected: /one of < <= > >= ==/ },
    {
      text: 'q98<5ms',
      expected: /no metric 'q98'; expected p50, p99 or any other percentile, .*acksPerSecond.*service\.p50/,
    },
    { text: 'p0<5ms', expected: /no metric 'p0': expected a percentile above 0, up to 100/ },
    { text: 'p101<5ms', expected: /no metric 'p101': expected a percentile/ },
    { text: 'errors<1%', expected: /invalid value '1%' of errors: expected a value without %/ },
    { text: 'p99<1%', expected: /invalid value '1%' of p99: expected a time/ },
    { text: 'toString<5ms', expected: /no metric 'toString'/ },
    { text: 'p99<5', expected: /invalid value '5' of p99: expected a time like 300us, 5ms or 1s/ },
    { text: 'p99<5m', expected: /expected a time/ },
    { text: 'p99<-5ms', expected: /like p99<5ms/ },
    {
      text: 'acksPerSecond>=1ms',
      expected: /invalid value '1ms' of acksPerSecond: expected a rate a second like 500, 200k or 1\.5M/,
    },
  ])('is refused if it is invalid, and the error says what is expected: "$text"', ({ text, expected }) => {
    expect(() => parseThreshold(text)).toThrow(RangeError)
    expect(() => parseThreshold(text)).toThrow(expected)
    expect(() => parseThreshold(text)).not.toThrow(/\n/)
  })

  it.each([
    { text: 'p99<5ms', at: [4.999, 5, 5.001], passed: [true, false, false] },
    { text: 'p99<=5ms', at: [4.999, 5, 5.001], passed: [true, true, false] },
    { text: 'p99>5ms', at: [4.999, 5, 5.001], passed: [false, false, true] },
    { text: 'p99>=5ms', at: [4.999, 5, 5.001], passed: [false, true, true] },
    { text: 'p99==5ms', at: [4.999, 5, 5.001], passed: [false, true, false] },
  ])('passes or is crossed at its limit: $text', ({ text, at, passed }) => {
    const verdicts = at.map((ms) => judge([parseThreshold(text)], [makeRun({ latencyMs: flat(ms) })])[0]?.passed)
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

describe('a threshold without a figure', () => {
  const nothing = { requests: 10, acks: 0, unanswered: 10, latencyMs: EMPTY_SUMMARY, serviceTimeMs: EMPTY_SUMMARY }

  it.each(['p99<50ms', 'p99>=0us', 'p95<50ms', 'max<1s', 'mean<1s', 'min<1s', 'service.p50<1s'])(
    'is crossed where nothing was answered: %s',
    (text) => {
      const percentilesMs = { latencyMs: { 95: null }, serviceTimeMs: {}, scheduleLagMs: null }
      const verdict = elementAt(judge([parseThreshold(text)], [makeRun({ ...nothing, percentilesMs })]), 0)
      expect(verdict).toMatchObject({ actual: null, passed: false })
      expect(showActual(verdict)).toBe('no answer')
    },
  )

  it('is crossed where one of several runs has no answer', () => {
    const runs = [makeRun(), makeRun(nothing), makeRun()]
    expect(judge([parseThreshold('p99<5ms')], runs)).toMatchObject([{ actual: null, passed: false }])
  })

  it('is crossed where a share is of no requests', () => {
    const verdict = elementAt(judge([parseThreshold('failed<1%')], [makeRun({ requests: 0, acks: 0 })]), 0)
    expect(verdict).toMatchObject({ actual: null, passed: false })
    expect(showActual(verdict)).toBe('no request')
  })
})

describe('a share', () => {
  it.each([
    { text: 'failed<1%', run: { failedAcks: 9 }, passed: true },
    { text: 'failed<1%', run: { failedAcks: 10 }, passed: false },
    { text: 'timed-out<=0.1%', run: { timedOut: 1 }, passed: true },
    { text: 'timed-out<0.1%', run: { timedOut: 1 }, passed: false },
    { text: 'unsent<50%', run: { requests: 500, acks: 500, unsent: 500 }, passed: false },
    { text: 'acks>=99.9%', run: { acks: 998 }, passed: false },
  ])('is of the requests that were due: $text, $run', ({ text, run, passed }) => {
    expect(judge([parseThreshold(text)], [makeRun(run)])[0]?.passed).toBe(passed)
  })

  it('is judged by the worst of several runs', () => {
    const runs = [0, 50, 0].map((failedAcks) => makeRun({ failedAcks }))
    expect(judge([parseThreshold('failed<1%')], runs)).toMatchObject([{ actual: 0.05, passed: false }])
  })
})

describe('a value for a person', () => {
  it.each([
    ['time', null, '–'],
    ['rate', null, '–'],
    ['rate', 0.5, '0.5/s'],
    ['rate', 10 / 3600, '0.002778/s'],
    ['share', 0.01234, '1.234 %'],
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
