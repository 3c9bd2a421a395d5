import { describe, expect, test } from 'vitest'
import { DueQueue } from '../src/engine/due-queue.ts'
import { createPacer, type PacerOptions } from '../src/engine/pacer.ts'
import { elementAt } from './element-at.ts'

function times(count: number, options: Partial<PacerOptions> = {}): number[] {
  const schedule = createPacer({ rate: 1000, arrival: 'constant', seed: 1, worker: 0, workers: 1, ...options })
  return Array.from({ length: count }, () => {
    const { next } = schedule
    schedule.advance()
    return next
  })
}

describe('constant arrivals', () => {
  test('are at equal distances from the very beginning', () => {
    expect(times(4)).toEqual([0, 1, 2, 3])
    expect(times(3, { rate: 0.5 })).toEqual([0, 2000, 4000])
  })

  test('do not drift: the millionth is due when it must be', () => {
    const last = times(1_000_001, { rate: 3000 }).at(-1) ?? 0
    expect(last).toBeCloseTo(1_000_000 / 3, 6)
  })

  test('of several workers interleave to the same schedule', () => {
    const shares = [0, 1, 2].map((worker) => times(5, { worker, workers: 3 }))
    const all = shares.flat().sort((a, b) => a - b)
    expect(all).toEqual(times(15).map((time) => expect.closeTo(time, 9)))
  })
})

describe('Poisson arrivals', () => {
  const COUNT = 200_000

  function gapsOf(sorted: readonly number[]): number[] {
    return sorted.slice(1).map((time, i) => time - elementAt(sorted, i))
  }

  test.each([1, 4])('of %d workers have exponential distances of the right mean', (workers) => {
    const each = Math.floor(COUNT / workers)
    const shares = Array.from({ length: workers }, (_, worker) => times(each, { arrival: 'poisson', worker, workers }))
    const gaps = gapsOf(shares.flat().sort((a, b) => a - b)).slice(0, COUNT * 0.9)
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    expect(mean).toBeGreaterThan(0.98)
    expect(mean).toBeLessThan(1.02)
    // Of an exponential distribution 36.8 % is above the mean, and 5 % above three times the mean.
    expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(Math.exp(-1), 2)
    expect(gaps.filter((gap) => gap > 3 * mean).length / gaps.length).toBeCloseTo(Math.exp(-3), 2)
  })

  test('are the same for the same seed, and others for another', () => {
    expect(times(100, { arrival: 'poisson' })).toEqual(times(100, { arrival: 'poisson' }))
    expect(times(100, { arrival: 'poisson' })).not.toEqual(times(100, { arrival: 'poisson', seed: 2 }))
  })
})

describe.each(['constant', 'poisson'] as const)('what is passed over of %s arrivals', (arrival) => {
  const create = (rate: number) => createPacer({ rate, arrival, seed: 7, worker: 1, workers: 2 })

  test.each([0, 1, 0.5, 1 / 3, 17.2, 400])('is as many as were due before %d ms, and leaves the others', (before) => {
    const [counted, skipped] = [create(3000), create(3000)]
    let count = 0
    for (; counted.next < before; count++) counted.advance()
    expect(skipped.skip(0, before, Number.POSITIVE_INFINITY)).toBe(count)
    expect(skipped.next).toBe(counted.next)
    expect(skipped.skip(0, before, Number.POSITIVE_INFINITY)).toBe(0)
  })

  test('is none of what is due at the very time, wherever the clock stands', () => {
    // A clock at which the difference of the two is more than the difference.
    const [began, before] = [1234.567891, 1234.567891 + 200]
    const [counted, skipped] = [create(2000), create(2000)]
    let count = 0
    for (; began + counted.next < before; count++) counted.advance()
    expect(skipped.skip(began, before, Number.POSITIVE_INFINITY)).toBe(count)
  })

  test('is never more than wanted', () => {
    const schedule = create(1e9)
    expect(schedule.skip(0, 1000, 5000)).toBe(5000)
    expect(schedule.skip(0, 2000, 7)).toBe(7)
  })

  test('is the rate times the time where that is very many, and takes no time', () => {
    // Half the rate, for it is one worker of two; the standard deviation of a Poisson process is the root of that.
    const passed = create(1e9).skip(0, 1_000_000, Number.POSITIVE_INFINITY)
    expect(Math.abs(passed - 5e11)).toBeLessThanOrEqual(arrival === 'constant' ? 1 : 6 * Math.sqrt(5e11))
  })
})

describe('a DueQueue', () => {
  test('gives back in order what it took, however it grows and goes round', () => {
    const queue = new DueQueue()
    let pushed = 0
    let shifted = 0
    for (let round = 1; round < 200; round++) {
      for (let i = 0; i < round % 37; i++) queue.push(pushed++)
      expect(queue.fromEnd(1)).toBe(queue.length === 0 ? queue.fromEnd(1) : pushed - 1)
      for (let i = 0; i < round % 23 && queue.length > 0; i++) expect(queue.shift()).toBe(shifted++)
    }
    while (queue.length > 0) expect(queue.shift()).toBe(shifted++)
    expect(shifted).toBe(pushed)
    expect(queue.shift()).toBeNaN()
  })
})
