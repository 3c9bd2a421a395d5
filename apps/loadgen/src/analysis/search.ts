import type { RunFigures } from '../run/result.ts'
import { hasFailed } from '../run/verdict.ts'
import { judge, type Threshold, type ThresholdVerdict } from './threshold.ts'

/** What to look for. */
export interface SearchOptions {
  /** What must hold at a rate. */
  readonly slo: readonly Threshold[]
  /** Where to begin, in requests a second. */
  readonly from: number
  /** Where to end at the latest. */
  readonly maxRate: number | undefined
  /** How close the answer must be to the lowest rate that is too much: a fraction. */
  readonly precision: number
}

/** What a rate came to. */
export type Outcome = 'met' | 'missed' | 'behind' | 'failed' | 'saturated'

/** What load at a rate came to. */
export interface Attempt {
  readonly run: RunFigures
  /** By how many requests a second its backlog grew; 0 when it did not. */
  readonly backlogGrowth: number
}

/** One rate that was tried. */
export interface Step extends Attempt {
  /** In requests a second. */
  readonly rate: number
  readonly verdicts: readonly ThresholdVerdict[]
  readonly outcome: Outcome
}

/** What a search found. */
export interface Found {
  /** The highest rate that met all; undefined when none did. */
  readonly highest: number | undefined
  /** Why it went no further: more misses, nothing meets it, the generator can't make more, it was told where to end, or to stop. */
  readonly end: 'missed' | 'never' | 'saturated' | 'limit' | 'interrupted'
  /** The last rate that was tried. */
  readonly last: Step | undefined
}

/** Below it nobody wants to know. */
const LOWEST = 1

/** How often the generator must be saturated at a rate to end the search. */
const SATURATED_TWICE = 2

/** How often a rate must not be met to be too high. */
const MISSED_TWICE = 2

/** How much lower to try while nothing has met it. */
const DESCENT = 8

/**
 * Finds the highest rate that meets all conditions: up by doubling while they are met, then halving what is between the
 * highest rate that met them and the lowest that did not.
 *
 * A rate that is not met is tried again until it is, or was not met twice, for one hiccup of the machine would end the
 * search far too low. A rate at which requests are lost does not meet anything, whatever its latencies. Nor does one at
 * which the backlog grows: its latencies are only those of a run so short. A generator that could not offer the rate
 * twice ends the search: what it would find then is its own limit.
 *
 * @param attempt makes load at a rate; undefined when it was interrupted
 * @param onStep told each rate that was tried
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
    if (tries.saturated === SATURATED_TWICE) return { highest: met, end: 'saturated', last }
    if (last.outcome !== 'met' && tries.missed < MISSED_TWICE) continue

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

/** @returns undefined when there is nothing lower to try */
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
  // A backlog that grew is the server's, however late the generator was.
  if (run.saturated && backlogGrowth === 0) return 'saturated'
  if (!verdicts.every(({ passed }) => passed)) return 'missed'
  return backlogGrowth > 0 ? 'behind' : 'met'
}
