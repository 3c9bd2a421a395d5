import type { RunFigures } from '../run/result.ts'
import { hasFailed } from '../run/verdict.ts'
import { judge, type Threshold, type ThresholdVerdict } from './threshold.ts'

/** What to search for. */
export interface SearchOptions {
  /** The conditions that a rate must meet. */
  readonly slo: readonly Threshold[]
  /** The first rate, in requests a second. */
  readonly from: number
  /** The highest rate to try. */
  readonly maxRate: number | undefined
  /** The largest distance of the result from the lowest rate that is too high, as a fraction. */
  readonly precision: number
}

/** The outcome of a rate. */
export type Outcome = 'met' | 'missed' | 'behind' | 'failed' | 'saturated'

/** A run at a rate. */
export interface Attempt {
  readonly run: RunFigures
  /** How many requests a second its backlog grew; 0 if it did not. */
  readonly backlogGrowth: number
}

/** One rate that was tried. */
export interface Step extends Attempt {
  /** In requests a second. */
  readonly rate: number
  readonly verdicts: readonly ThresholdVerdict[]
  readonly outcome: Outcome
}

/** The result of a search. */
export interface Found {
  /** The highest rate that met all conditions; undefined if none did. */
  readonly highest: number | undefined
  /**
   * Why the search ended: a higher rate misses a condition, no rate meets them, the generator can't make more load, the
   * highest rate to try was met, or a signal.
   */
  readonly end: 'missed' | 'never' | 'saturated' | 'limit' | 'interrupted'
  /** The last rate that was tried. */
  readonly last: Step | undefined
}

/** The lowest rate that is tried. */
const LOWEST = 1

/** How often the generator must be saturated at a rate to end the search. */
const MAX_SATURATED = 2

/** How often a rate must miss a condition to be too high. */
const MAX_MISSED = 2

/** The factor by which the rate decreases until one meets the conditions. */
const DESCENT = 8

/**
 * Finds the highest rate that meets all conditions. Doubles the rate while they are met, then bisects between the highest
 * rate that met them and the lowest that did not.
 *
 * A rate that misses a condition is tried again, because a single outlier would end the search far too low. A rate at which
 * requests are lost is missed, whatever its latencies. So is a rate at which the backlog grows: in a longer run its
 * latencies would be higher. A generator that is saturated twice at one rate ends the search, which would only find the
 * generator's own limit.
 *
 * @param attempt makes load at a rate; undefined if it was interrupted
 * @param onStep is called with each rate that was tried
 */
export async function search(
  { slo, from, maxRate, precision }: SearchOptions,
  attempt: (rate: number) => Promise<Attempt | undefined>,
  onStep: (step: Step) => void,
): Promise<Found> {
  const most = maxRate ?? Number.POSITIVE_INFINITY
  let met: number | undefined
  let missed: number | undefined
  let last: Step | undefined
  let rate = Math.min(from, most)
  for (let tries = { rate, saturated: 0, missed: 0 }; ; ) {
    if (tries.rate !== rate) tries = { rate, saturated: 0, missed: 0 }
    const made = await attempt(rate)
    if (made === undefined) return { highest: met, end: 'interrupted', last }
    last = toStep(rate, made, slo)
    onStep(last)
    if (last.outcome === 'saturated') tries.saturated += 1
    else if (last.outcome !== 'met') tries.missed += 1
    if (tries.saturated === MAX_SATURATED) return { highest: met, end: 'saturated', last }
    if (last.outcome !== 'met' && tries.missed < MAX_MISSED) continue

    if (last.outcome === 'met') met = rate
    else missed = rate
    if (met === most) return { highest: met, end: 'limit', last }
    const next = nextRate(met, missed, most)
    if (next === undefined) return { highest: undefined, end: 'never', last }
    if (met !== undefined && missed !== undefined && (missed - met <= precision * met || next === met)) {
      return { highest: met, end: 'missed', last }
    }
    rate = next
  }
}

/** @returns undefined if there is no lower rate to try */
function nextRate(met: number | undefined, missed: number | undefined, most: number): number | undefined {
  if (missed === undefined) return met === undefined ? undefined : Math.min(most, met * 2)
  if (met !== undefined) return Math.floor((met + missed) / 2)
  return missed === LOWEST ? undefined : Math.max(LOWEST, Math.floor(missed / DESCENT))
}

function toStep(rate: number, made: Attempt, slo: readonly Threshold[]): Step {
  const verdicts = judge(slo, [made.run])
  return { ...made, rate, verdicts, outcome: outcomeOf(made, verdicts) }
}

function outcomeOf({ run, backlogGrowth }: Attempt, verdicts: readonly ThresholdVerdict[]): Outcome {
  if (hasFailed(run)) return 'failed'
  // A growing backlog is caused by the server, even if the generator was late.
  if (run.saturated && backlogGrowth === 0) return 'saturated'
  if (!verdicts.every(({ passed }) => passed)) return 'missed'
  return backlogGrowth > 0 ? 'behind' : 'met'
}
