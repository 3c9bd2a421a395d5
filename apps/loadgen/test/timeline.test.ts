import { describe, expect, test } from 'vitest'
import { Distribution } from '../src/engine/distribution.ts'
import { type ProgressSample, SAMPLE_INTERVAL } from '../src/engine/load-worker.ts'
import { Timeline } from '../src/engine/timeline.ts'

/** A sample at the end of its slice. @param times of its answers, in milliseconds */
function sample(slice: number, times: readonly number[], more: Partial<ProgressSample> = {}): ProgressSample {
  const responseTimes = new Distribution(2)
  for (const time of times) responseTimes.record(time, 1)
  return {
    ...{
      slice,
      at: (slice + 1) * SAMPLE_INTERVAL,
      acks: times.length,
      failedAcks: 0,
      connectionsLost: 0,
      late: 0,
      due: times.length,
      unsent: 0,
      mismatched: 0,
      duplicates: 0,
      overdue: 0,
      inFlight: 0,
      connections: 1,
      connectionsDown: 0,
    },
    responseTimes: responseTimes.pack(),
    ...more,
  }
}

describe('a Timeline', () => {
  test('has a slice for each tenth of a second, of all workers together', () => {
    const timeline = new Timeline(true)
    timeline.add(0, sample(-1, [9]))
    timeline.add(0, sample(0, [1, 1, 1], { inFlight: 3 }))
    timeline.add(1, sample(0, [5], { inFlight: 4, failedAcks: 1 }))
    timeline.add(1, sample(1, [2], { inFlight: 6, connectionsLost: 2 }))
    const slices = timeline.slices()
    expect(slices).toMatchObject([
      { atSeconds: 0, seconds: 0.1, acks: 4, failedAcks: 1, errors: 0, inFlight: 7 },
      // The first worker has no sample here, so it keeps its state.
      { atSeconds: 0.1, seconds: 0.1, acks: 1, failedAcks: 0, errors: 2, inFlight: 9 },
    ])
    expect(slices[0]?.p50).toBeCloseTo(1, 1)
    expect(slices[0]?.max).toBeCloseTo(5, 1)
    expect(slices[1]?.p99).toBeCloseTo(2, 1)
  })

  test('has an empty slice if there is no sample', () => {
    const timeline = new Timeline(true)
    timeline.add(0, sample(0, [1]))
    timeline.add(0, sample(3, [1]))
    expect(timeline.slices().map(({ acks, max }) => [acks, max === null])).toEqual([
      [1, false],
      [0, true],
      [0, true],
      [1, false],
    ])
  })

  test.each([
    { name: 'nothing', samples: 0, slices: 0, seconds: 0 },
    { name: 'half a minute', samples: 300, slices: 300, seconds: 0.1 },
    { name: 'a little more', samples: 302, slices: 151, seconds: 0.2 },
    { name: 'ten minutes', samples: 6000, slices: 188, seconds: 3.2 },
    { name: 'three hours', samples: 108_000, slices: 211, seconds: 51.2 },
  ])('has never more than 300 slices, and loses no answer: $name', ({ samples, slices, seconds }) => {
    const timeline = new Timeline(true)
    const [slow, fast] = [sample(0, [8]), sample(0, [2])]
    for (let slice = 0; slice < samples; slice++)
      timeline.add(0, { ...(slice % 7 === 0 ? slow : fast), slice, at: (slice + 1) * SAMPLE_INTERVAL })
    const all = timeline.slices()
    expect(all).toHaveLength(slices)
    expect(all.reduce((sum, { acks }) => sum + acks, 0)).toBe(samples)
    expect(all[0]?.seconds ?? 0).toBe(seconds)
    for (const [i, slice] of all.entries()) expect(slice.atSeconds).toBeCloseTo(i * seconds, 3)
    if (seconds > 1) expect(all[0]?.max).toBeCloseTo(8, 1)
  })

  test('has a last slice that is as short as it was, or part of the one before', () => {
    const long = new Timeline(true)
    long.add(0, sample(0, [1]))
    long.add(0, sample(1, [1, 1], { at: 170 }))
    expect(long.slices().map(({ seconds, acks }) => [seconds, acks])).toEqual([
      [0.1, 1],
      [0.07, 2],
    ])
    const short = new Timeline(true)
    short.add(0, sample(0, [1]))
    short.add(0, sample(1, [1, 1], { at: 103 }))
    expect(short.slices().map(({ seconds, acks }) => [seconds, acks])).toEqual([[0.103, 3]])
  })
})
