import { describe, expect, it } from 'vitest'
import { type SearchOptions, type Step, search } from '../src/analysis/search.ts'
import { parseThreshold } from '../src/analysis/threshold.ts'
import type { RunFigures } from '../src/run/result.ts'
import { flat, makeRun } from './runs.ts'

const OPTIONS: SearchOptions = { slo: [parseThreshold('p99<10ms')], from: 1000, maxRate: undefined, precision: 0.05 }

/** Searches a simulated server that answers in 1 ms up to a rate, and in 100 ms above it. */
async function searchUpTo(
  capacity: number,
  options: Partial<SearchOptions> = {},
  run: (rate: number, attempts: number) => (Partial<RunFigures> & { backlogGrowth?: number }) | undefined = () => ({}),
) {
  const steps: Step[] = []
  const found = await search(
    { ...OPTIONS, ...options },
    (rate) => {
      const changes = run(rate, steps.length)
      const { backlogGrowth = 0, ...more } = changes ?? {}
      const made = { run: makeRun({ latencyMs: flat(rate > capacity ? 100 : 1), ...more }), backlogGrowth }
      return Promise.resolve(changes && made)
    },
    (step) => steps.push(step),
  )
  return { found, steps, rates: steps.map(({ rate }) => rate) }
}

describe('search', () => {
  it('doubles until it misses, then halves what is between, and tries a miss once more', async () => {
    const { found, rates } = await searchUpTo(6000)
    expect(rates).toEqual([1000, 2000, 4000, 8000, 8000, 6000, 7000, 7000, 6500, 6500, 6250, 6250])
    expect(found).toMatchObject({ highest: 6000, end: 'missed' })
  })

  it.each([1, 2, 3, 17, 999, 1000, 12_345, 1_234_567])('finds %i within its precision', async (capacity) => {
    const { found } = await searchUpTo(capacity)
    expect(found.end).toBe('missed')
    expect(found.highest).toBeLessThanOrEqual(capacity)
    expect(found.highest).toBeGreaterThanOrEqual(Math.floor(capacity / 1.05))
  })

  it('is not misled by a hiccup', async () => {
    const { found } = await searchUpTo(6000, {}, (_rate, attempts) => (attempts === 1 ? { latencyMs: flat(500) } : {}))
    expect(found).toMatchObject({ highest: 6000, end: 'missed' })
  })

  it('goes down where it began too high', async () => {
    const { found, rates } = await searchUpTo(50)
    expect(rates.slice(0, 5)).toEqual([1000, 1000, 125, 125, 15])
    expect(found.highest).toBeGreaterThanOrEqual(47)
  })

  it('ends when not even one request a second meets it', async () => {
    const { found, rates } = await searchUpTo(0)
    expect(found).toMatchObject({ highest: undefined, end: 'never' })
    expect(rates.at(-1)).toBe(1)
  })

  it('ends when the generator is saturated, twice, and says what was met before', async () => {
    const saturated = { saturated: true, saturatedBecause: 'it was busy' }
    const { found, rates } = await searchUpTo(Number.POSITIVE_INFINITY, {}, (rate) => (rate > 3000 ? saturated : {}))
    expect(rates).toEqual([1000, 2000, 4000, 4000])
    expect(found).toMatchObject({ highest: 2000, end: 'saturated', last: { rate: 4000, outcome: 'saturated' } })
  })

  it.each([
    { name: 'saturated, then missed', first: 'saturated', second: 'missed' },
    { name: 'missed, then saturated', first: 'missed', second: 'saturated' },
  ])('does not end where it was saturated once: $name', async ({ first, second }) => {
    const saturated = { saturated: true, saturatedBecause: 'it was busy' }
    const missed = { latencyMs: flat(500) }
    // At 4000 the two attempts differ; the third decides.
    const { found, rates, steps } = await searchUpTo(6000, {}, (_rate, attempts) => {
      if (attempts === 2) return first === 'saturated' ? saturated : missed
      if (attempts === 3) return second === 'saturated' ? saturated : missed
      return {}
    })
    expect(rates.slice(0, 6)).toEqual([1000, 2000, 4000, 4000, 4000, 8000])
    expect(steps.slice(2, 5).map(({ outcome }) => outcome)).toEqual([first, second, 'met'])
    expect(found).toMatchObject({ highest: 6000, end: 'missed' })
  })

  it('takes a rate at which the backlog grows for too high, however fast the answers are', async () => {
    const grows = (rate: number) => (rate > 3000 ? { backlogGrowth: rate - 3000 } : {})
    const { found, steps } = await searchUpTo(1e9, {}, grows)
    expect(steps.find(({ rate }) => rate === 4000)?.outcome).toBe('behind')
    expect(found.highest).toBeLessThanOrEqual(3000)
    expect(found.highest).toBeGreaterThan(2850)
  })

  it('blames a server that fails, though the generator was saturated too', async () => {
    const both = { saturated: true, saturatedBecause: 'it was busy', overdue: 3, unanswered: 3 }
    const { found } = await searchUpTo(1e9, {}, (rate) => (rate > 3000 ? both : {}))
    expect(found).toMatchObject({ end: 'missed' })
    expect(found.highest).toBeLessThanOrEqual(3000)
  })

  it('takes a rate at which requests are lost for too high, however fast the others are', async () => {
    const { found, steps } = await searchUpTo(1e9, {}, (rate) => (rate > 3000 ? { unanswered: 1 } : {}))
    expect(steps.find(({ rate }) => rate === 4000)?.outcome).toBe('failed')
    expect(found.end).toBe('missed')
    expect(found.highest).toBeLessThanOrEqual(3000)
  })

  it('ends at the highest rate to try', async () => {
    const { found, rates } = await searchUpTo(1e9, { maxRate: 3000 })
    expect(rates).toEqual([1000, 2000, 3000])
    expect(found).toMatchObject({ highest: 3000, end: 'limit' })
  })

  it('meets all of several conditions', async () => {
    const slo = ['p99<10ms', 'service.p99<10ms'].map(parseThreshold)
    const { found } = await searchUpTo(1e9, { slo }, (rate) => ({ serviceTimeMs: flat(rate / 1000) }))
    expect(found.highest).toBeLessThan(10_000)
    expect(found.highest).toBeGreaterThan(9_500)
  })

  it('reports its result so far when it is interrupted', async () => {
    const { found } = await searchUpTo(1e9, {}, (rate) => (rate > 3000 ? undefined : {}))
    expect(found).toMatchObject({ highest: 2000, end: 'interrupted' })
  })
})
