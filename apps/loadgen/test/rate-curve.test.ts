import { describe, expect, test } from 'vitest'
import { createPacer, type PacerOptions } from '../src/engine/pacer.ts'
import { RateCurve } from '../src/engine/rate-curve.ts'

/** Up to 1000 a second in a second, that for two seconds, down to none in a second: 500, 2000 and 500 requests. */
const STAGES = [
  { duration: 1000, rate: 1000 },
  { duration: 2000, rate: 1000 },
  { duration: 1000, rate: 0 },
]

const OPTIONS: PacerOptions = { rate: 0, stages: STAGES, arrival: 'constant', seed: 1, worker: 0, workers: 1 }

/** All times at which requests are due. */
function timesOf(options: Partial<PacerOptions> = {}): number[] {
  const pacer = createPacer({ ...OPTIONS, ...options })
  const times: number[] = []
  for (; pacer.next < Number.POSITIVE_INFINITY; pacer.advance()) times.push(pacer.next)
  return times
}

describe('a RateCurve', () => {
  const curve = new RateCurve(0, STAGES)

  test.each([
    { number: 0, time: 0 },
    { number: 125, time: 500 },
    { number: 500, time: 1000 },
    { number: 1500, time: 2000 },
    { number: 2500, time: 3000 },
    { number: 2875, time: 3500 },
  ])('has $number requests due by $time ms', ({ number, time }) => {
    expect(curve.timeOf(number)).toBeCloseTo(time, 6)
    expect(curve.numberBy(time)).toBeCloseTo(number, 6)
  })

  test('has nothing due after its end', () => {
    expect(curve.timeOf(3000)).toBe(Number.POSITIVE_INFINITY)
    expect(curve.numberBy(10_000)).toBeCloseTo(3000, 6)
  })

  test('begins at a rate, and passes over a stage in which nothing is due', () => {
    const pausing = new RateCurve(100, [
      { duration: 1000, rate: 0 },
      { duration: 5000, rate: 0 },
      { duration: 1000, rate: 100 },
    ])
    expect(pausing.timeOf(25)).toBeCloseTo(1000 * (1 - Math.SQRT1_2), 6)
    expect(pausing.timeOf(50)).toBeCloseTo(6000, 6)
    expect(pausing.timeOf(62.5)).toBeCloseTo(6500, 6)
  })
})

describe('a pacer of stages', () => {
  test('has as many requests in each stage as are under its line', () => {
    const times = timesOf()
    expect(times).toHaveLength(3000)
    expect(times.filter((time) => time < 1000)).toHaveLength(500)
    expect(times.filter((time) => time < 3000)).toHaveLength(2500)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  test('is shared by workers', () => {
    const shares = [0, 1, 2].flatMap((worker) => timesOf({ worker, workers: 3 }))
    expect(shares.sort((a, b) => a - b)).toEqual(timesOf())
  })

  test('has about as many random ones', () => {
    const times = timesOf({ arrival: 'poisson' })
    expect(Math.abs(times.length - 3000)).toBeLessThan(6 * Math.sqrt(3000))
    const early = times.filter((time) => time < 1000).length
    expect(Math.abs(early - 500)).toBeLessThan(6 * Math.sqrt(500))
  })

  test.each([1, 700.5, 1000, 2500, 3999, 9999])('passes over what is due before %d ms', (before) => {
    // Of very many random ones the number is drawn, and not each of them.
    for (const arrival of before > 1000 ? (['constant'] as const) : (['constant', 'poisson'] as const)) {
      const pacer = createPacer({ ...OPTIONS, arrival })
      const expected = timesOf({ arrival }).filter((time) => time < before)
      expect(pacer.skip(0, before, Number.POSITIVE_INFINITY)).toBe(expected.length)
      expect(pacer.next).toBeGreaterThanOrEqual(before)
    }
  })
})

describe('the seeds of workers', () => {
  const firstOf = (seed: number, worker: number) =>
    Array.from(
      { length: 50 },
      ((pacer) => () => {
        const { next } = pacer
        pacer.advance()
        return next
      })(createPacer({ rate: 1000, arrival: 'poisson', seed, worker, workers: 2 })),
    )

  test('are as unlike for neighbouring seeds as for neighbouring workers', () => {
    const streams = [1, 2, 3, 4].flatMap((seed) => [0, 1].map((worker) => firstOf(seed, worker)))
    const all = streams.flat()
    expect(new Set(all).size, 'no two share an arrival').toBe(all.length)
  })

  test('are the same for the same seed, however large', () => {
    expect(firstOf(2 ** 53 - 1, 1)).toEqual(firstOf(2 ** 53 - 1, 1))
    expect(firstOf(2 ** 53 - 1, 1)).not.toEqual(firstOf(2 ** 53 - 2, 1))
  })
})
