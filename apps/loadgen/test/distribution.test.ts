import { seeded } from '@demo/testkit/random'
import { describe, expect, it } from 'vitest'
import { Distribution } from '../src/engine/distribution.ts'
import type { Summary } from '../src/result.ts'

const SAMPLES = 1_000_000

/** How far a percentile may be from that of the sorted samples, relative to it. */
const TOLERANCE = 0.001

describe('a Distribution', () => {
  it.each([
    { name: 'all alike from 0.05 to 5 ms', draw: (random: () => number) => 0.05 + 4.95 * random() },
    { name: 'with a long tail, around 1 ms', draw: (random: () => number) => Math.exp(normal(random)) },
    {
      name: 'two humps, 0.1 and 100 ms',
      draw: (random: () => number) => (random() < 0.8 ? 0.1 : 100) * (1 + random()),
    },
    { name: 'of minutes', draw: (random: () => number) => 60_000 * (1 + 9 * random()) },
  ])('has the percentiles of a million latencies within 0.1 %: $name', ({ draw }) => {
    const random = seeded(42)
    const latencies = Float64Array.from({ length: SAMPLES }, () => draw(random))
    const recorder = new Distribution()
    for (const latency of latencies) recorder.record(latency, 1)
    const { min, mean, p50, p90, p99, p999, max } = figuresOf(recorder)

    const sorted = latencies.slice().sort()
    const exact = {
      min: sorted[0],
      mean: latencies.reduce((sum, latency) => sum + latency, 0) / SAMPLES,
      p50: sorted[SAMPLES * 0.5 - 1],
      p90: sorted[SAMPLES * 0.9 - 1],
      p99: sorted[SAMPLES * 0.99 - 1],
      p999: sorted[SAMPLES * 0.999 - 1],
      max: sorted[SAMPLES - 1],
    }
    const deviations = Object.entries({ min, mean, p50, p90, p99, p999, max }).map(([name, value]) => {
      const expected = exact[name as keyof typeof exact]
      return { name, value, expected, deviation: Math.abs(value - expected) / expected }
    })
    expect(deviations.filter(({ deviation }) => deviation > TOLERANCE)).toEqual([])
    expect(recorder.count).toBe(SAMPLES)
  })

  it('counts one latency of many requests as often as there are requests', () => {
    const recorder = new Distribution()
    recorder.record(1, 899)
    recorder.record(2, 100)
    recorder.record(50, 1)
    expect(recorder.count).toBe(1000)
    const summary = figuresOf(recorder)
    expect(summary.min).toBeCloseTo(1, 2)
    expect(summary.p50).toBeCloseTo(1, 2)
    expect(summary.p90).toBeCloseTo(2, 2)
    expect(summary.p99).toBeCloseTo(2, 2)
    expect(summary.p999).toBeCloseTo(2, 2)
    expect(summary.max / 50).toBeCloseTo(1, 3)
    expect(summary.mean).toBeCloseTo((899 + 200 + 50) / 1000, 2)
  })

  it('never puts a percentile above the largest latency, nor below the smallest', () => {
    for (const latency of [0.0001, 0.1234567, 1.999, 10.24, 123.456, 3_599_999]) {
      const recorder = new Distribution()
      recorder.record(latency, 3)
      const { min, p50, p999, max } = figuresOf(recorder)
      expect(p50).toBeLessThanOrEqual(max)
      expect(p999).toBeLessThanOrEqual(max)
      expect(p50).toBeGreaterThanOrEqual(min)
    }
  })

  it('keeps what is out of its range at its edge: a clock that stood still, an answer after hours', () => {
    const recorder = new Distribution()
    recorder.record(0, 1)
    recorder.record(86_400_000, 1)
    const { min, max } = figuresOf(recorder)
    expect(recorder.count).toBe(2)
    expect(min).toBeLessThan(0.001)
    expect(max / 3_600_000).toBeCloseTo(1, 2)
  })

  it('is the same when it is put together from packed parts', () => {
    const random = seeded(7)
    const whole = new Distribution()
    const parts = [new Distribution(), new Distribution(), new Distribution()]
    for (let i = 0; i < 30_000; i++) {
      const latency = Math.exp(normal(random))
      whole.record(latency, 2)
      parts[i % 3].record(latency, 2)
    }
    const merged = new Distribution()
    for (const part of [...parts, new Distribution()]) merged.add(structuredClone(part.pack()))
    expect(merged.count).toBe(60_000)
    expect(merged.summarize()).toEqual(whole.summarize())
    for (const percentile of [0, 12.5, 99.99, 100]) {
      expect(merged.percentile(percentile)).toBe(whole.percentile(percentile))
      // Whoever reads the histogram itself sees the same.
      expect(merged.histogram.getValueAtPercentile(percentile)).toBe(whole.histogram.getValueAtPercentile(percentile))
    }
    expect(merged.histogram.maxValue).toBe(whole.histogram.maxValue)
    expect(merged.histogram.minNonZeroValue).toBe(whole.histogram.minNonZeroValue)
    merged.clear()
    expect(merged.summarize()).toEqual(new Distribution().summarize())
  })

  it('has no figures when nothing was recorded: not 0', () => {
    const recorder = new Distribution()
    expect(recorder.count).toBe(0)
    const none = { min: null, mean: null, p50: null, p90: null, p99: null, p999: null, max: null }
    expect(recorder.summarize()).toEqual(none)
    expect(recorder.percentile(99.99)).toBeNull()
  })
})

/** The figures of a distribution in which there is something. */
function figuresOf(distribution: Distribution): Readonly<Record<keyof Summary, number>> {
  const entries = Object.entries(distribution.summarize())
  for (const [name, value] of entries) expect(value, name).not.toBeNull()
  return Object.fromEntries(entries) as Record<keyof Summary, number>
}

/** A normally distributed number, after Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
}
