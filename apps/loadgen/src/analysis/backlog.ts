import type { TimeSlice } from '../engine/timeline.ts'
import type { RunResult } from '../run/result.ts'

/** Of the rate of a load, how much its backlog may grow in a second: that little is found by no short run. */
const GROWTH_ALLOWED = 0.02

/** How many standard deviations a backlog may grow: requests in it come and go by chance. */
const DEVIATIONS = 3

/** The fewest slices of time in which growth can be seen. */
const MIN_SLICES = 4

/** What is looked at of a run. */
export interface BacklogEvidence extends Pick<RunResult, 'durationSeconds' | 'saturated'> {
  readonly scheduleLagMs: { readonly p99: number | null } | null
  readonly slices: readonly Pick<TimeSlice, 'atSeconds' | 'seconds' | 'inFlight' | 'unsent'>[]
}

/**
 * By how many requests a second the backlog of a run grew: what was due, and not answered yet. 0 when it did not grow,
 * or by no more than chance would make it.
 *
 * The middle of its second quarter is compared with that of its last one. The first quarter is left out: in it the
 * backlog comes to be what the latency makes it. One hiccup does not count: the medians of both quarters do not see it.
 *
 * Of a saturated generator only what was sent counts, and only what is more than its lateness explains: a generator
 * that is late by so long has not read the answers of so long.
 *
 * @param rate of the load, in requests a second
 */
export function backlogGrowth(run: BacklogEvidence, rate: number): number {
  const { durationSeconds, saturated, scheduleLagMs } = run
  // The drain has slices too.
  const slices = run.slices.filter(({ atSeconds, seconds }) => atSeconds + seconds / 2 < durationSeconds)
  if (slices.length < MIN_SLICES) return 0
  const quarter = Math.floor(slices.length / MIN_SLICES)
  const medianOf = (from: number) => {
    const backlogs = slices
      .slice(from, from + quarter)
      .map(({ inFlight, unsent }) => (saturated ? inFlight : inFlight + unsent))
    return backlogs.sort((a, b) => a - b)[Math.floor(quarter / 2)]
  }
  const last = slices.length - quarter
  const [before, after] = [medianOf(quarter), medianOf(last)]
  const byLateness = saturated ? (rate * (scheduleLagMs?.p99 ?? 0)) / 1000 : 0
  if (after - before <= DEVIATIONS * Math.sqrt(before + 1) + byLateness) return 0
  const seconds = slices.slice(quarter, last).reduce((sum, slice) => sum + slice.seconds, 0)
  const growth = (after - before) / seconds
  return growth > GROWTH_ALLOWED * rate ? growth : 0
}
