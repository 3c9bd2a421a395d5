import { Histogram, Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { BatchHistogram } from './batch-histogram.ts'

const OPTIONS = { name: 'wait_seconds', help: 'How long it took', buckets: [0.005, 0.1, 1, 2.5] }

/** The value of each line, in order. */
async function valuesOf(histogram: BatchHistogram): Promise<Record<string, number>> {
  const { values } = await histogram.get()
  return Object.fromEntries(
    values.map(({ metricName, labels, value }) => [
      labels.le === undefined ? metricName : `${metricName}{le="${labels.le}"}`,
      value,
    ]),
  )
}

describe('a batch histogram', () => {
  test('begins at zero', async () => {
    expect(await valuesOf(new BatchHistogram(OPTIONS))).toEqual({
      'wait_seconds_bucket{le="0.005"}': 0,
      'wait_seconds_bucket{le="0.1"}': 0,
      'wait_seconds_bucket{le="1"}': 0,
      'wait_seconds_bucket{le="2.5"}': 0,
      'wait_seconds_bucket{le="+Inf"}': 0,
      wait_seconds_sum: 0,
      wait_seconds_count: 0,
    })
  })

  test('counts in each bucket the values up to its bound', async () => {
    const histogram = new BatchHistogram(OPTIONS)
    histogram.record(0.5, 1)
    histogram.record(0.01, 1)
    histogram.record(0.25, 1)
    histogram.record(64, 1)
    expect(await valuesOf(histogram)).toEqual({
      'wait_seconds_bucket{le="0.005"}': 0,
      'wait_seconds_bucket{le="0.1"}': 1,
      'wait_seconds_bucket{le="1"}': 3,
      'wait_seconds_bucket{le="2.5"}': 3,
      'wait_seconds_bucket{le="+Inf"}': 4,
      wait_seconds_sum: 64.76,
      wait_seconds_count: 4,
    })
  })

  test.each([
    // A bound is in its own bucket.
    [0, [1, 1, 1, 1, 1]],
    [0.005, [1, 1, 1, 1, 1]],
    [0.005_000_1, [0, 1, 1, 1, 1]],
    [0.1, [0, 1, 1, 1, 1]],
    [1, [0, 0, 1, 1, 1]],
    [2.5, [0, 0, 0, 1, 1]],
    [2.500_001, [0, 0, 0, 0, 1]],
    [1e9, [0, 0, 0, 0, 1]],
  ])('puts %d where it belongs', async (value, buckets) => {
    const histogram = new BatchHistogram(OPTIONS)
    histogram.record(value, 1)
    const { values } = await histogram.get()
    expect(values.map((one) => one.value)).toEqual([...buckets, value, 1])
  })

  test('records many observations of one value at once', async () => {
    const histogram = new BatchHistogram(OPTIONS)
    histogram.record(0.5, 5000)
    histogram.record(0.125, 8)
    expect(await valuesOf(histogram)).toMatchObject({
      'wait_seconds_bucket{le="0.1"}': 0,
      'wait_seconds_bucket{le="1"}': 5008,
      'wait_seconds_bucket{le="+Inf"}': 5008,
      wait_seconds_sum: 2501,
      wait_seconds_count: 5008,
    })
  })

  test('gives the same at every scrape', async () => {
    const histogram = new BatchHistogram(OPTIONS)
    histogram.record(0.5, 3)
    expect(await histogram.get()).toEqual(await histogram.get())
  })

  test('starts at zero after a reset', async () => {
    const histogram = new BatchHistogram(OPTIONS)
    histogram.record(0.5, 3)
    histogram.reset()
    expect(await histogram.get()).toEqual(await new BatchHistogram(OPTIONS).get())
    histogram.record(2, 1)
    expect(await valuesOf(histogram)).toMatchObject({
      'wait_seconds_bucket{le="1"}': 0,
      'wait_seconds_bucket{le="2.5"}': 1,
      wait_seconds_sum: 2,
      wait_seconds_count: 1,
    })
  })
})

describe('in a registry', () => {
  /** Values and their counts: sums of halves, so that the order of adding does not matter. */
  const OBSERVATIONS = [
    [0.000_976_562_5, 3],
    [1, 2],
    [0.75, 1],
    [2.5, 1],
    [7, 4],
  ] as const

  /** Our histogram and prom-client's with the same observations, in two registries. */
  function both(): { ours: Registry; theirs: Registry } {
    const [ours, theirs] = [new Registry(), new Registry()]
    const histogram = new BatchHistogram(OPTIONS)
    histogram.register(ours)
    const model = new Histogram({ ...OPTIONS, registers: [theirs] })
    for (const [value, count] of OBSERVATIONS) {
      histogram.record(value, count)
      for (let i = 0; i < count; i++) model.observe(value)
    }
    return { ours, theirs }
  }

  test('it looks like prom-client’s own', async () => {
    const { ours, theirs } = both()
    const text = await ours.metrics()
    expect(text).toBe(await theirs.metrics())
    expect(text).toContain('# TYPE wait_seconds histogram\n')
    expect(text).toContain('wait_seconds_bucket{le="+Inf"} 11\n')
  })

  test('it looks like prom-client’s own with the registry’s labels on', async () => {
    const { ours, theirs } = both()
    for (const registry of [ours, theirs]) registry.setDefaultLabels({ app: 'demo' })
    const text = await ours.metrics()
    expect(text).toBe(await theirs.metrics())
    expect(text).toContain('app="demo"')
  })

  test('it is the same as JSON, except for fields that only prom-client’s own has', async () => {
    const { ours, theirs } = both()
    const [[model], [histogram]] = [await theirs.getMetricsAsJSON(), await ours.getMetricsAsJSON()]
    expect(histogram).toMatchObject({ name: 'wait_seconds', help: 'How long it took', type: 'histogram' })
    expect(histogram).toMatchObject({ aggregator: 'sum', values: model?.values.map(({ value }) => ({ value })) })
  })

  test('it is reset with the others, and is still there', async () => {
    const { ours } = both()
    ours.resetMetrics()
    const fresh = new Registry()
    new BatchHistogram(OPTIONS).register(fresh)
    expect(await ours.metrics()).toBe(await fresh.metrics())
  })

  test('it takes its name: another metric of that name is refused', () => {
    const registry = new Registry()
    new BatchHistogram(OPTIONS).register(registry)
    expect(() => new BatchHistogram(OPTIONS).register(registry)).toThrow('already been registered')
  })
})
