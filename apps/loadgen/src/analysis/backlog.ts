import type { TimeSlice } from '../engine/timeline.ts'
import type { RunResult } from '../run/result.ts'

/** The allowed growth of the backlog in a second, as a share of the rate. A short run can't measure less. */
const GROWTH_ALLOWED = 0.02

/** The allowed growth in standard deviations: the backlog varies by chance. */
const DEVIATIONS = 3

/** The fewest time slices in which growth can be measured. */
const MIN_SLICES = 4

/** The figures of a run that show its backlog. */
export interface BacklogEvidence extends Pick<RunResult, 'durationSeconds' | 'saturated'> {
  readonly scheduleLagMs: { readonly p99: number | null } | null
  readonly slices: readonly Pick<TimeSlice, 'atSeconds' | 'seconds' | 'inFlight' | 'unsent'>[]
}

/**
 * How many requests a second the backlog of a run grew: requests that were due and not answered yet. 0 if it did not grow,
 * or not more than by chance.
 *
 * Compares the medians of the second and the last quarter of the run. Medians ignore single outliers. In the first quarter
 * the backlog rises to the level of the latency.
 *
 * With a saturated generator only sent requests count, and only growth beyond its lateness: a late generator also reads
 * answers late.
 *
 * @param rate of the load, in requests a second
 */
export function backlogGrowth(run: BacklogEvidence, rate: number): number {
  const { durationSeconds, saturated, scheduleLagMs } = run
  // Without the slices of the drain.
  const slices = run.slices.filter(({ atSeconds, seconds }) => atSeconds + seconds / 2 < durationSeconds)
  if (slices.length < MIN_SLICES) return 0
  const quarter = Math.floor(slices.length / MIN_SLICES)
  const medianOf = (from: number) => {
    const backlogs = slices
      .slice(from, from + quarter)
      .map(({ inFlight, unsent }) => (saturated ? inFlight : inFlight + unsent))
    return backlogs.sort((a, b) => a - b)[Math.floor(quarter / 2)] ?? 0
  }
  const last = slices.length - quarter
  const [before, after] = [medianOf(quarter), medianOf(last)]
  const byLateness = saturated ? (rate * (scheduleLagMs?.p99 ?? 0)) / 1000 : 0
  if (after - before <= DEVIATIONS * Math.sqrt(before + 1) + byLateness) return 0
  const seconds = slices.slice(quarter, last).reduce((sum, slice) => sum + slice.seconds, 0)
  const growth = (after - before) / seconds
  return growth > GROWTH_ALLOWED * rate ? growth : 0
}
