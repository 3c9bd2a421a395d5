import { isClean } from '../verdict.ts'
import type { JudgedRun } from './metrics.ts'
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
export type Outcome = 'met' | 'missed' | 'failed' | 'saturated'

/** One rate that was tried. */
export interface Step {
  /** In requests a second. */
  readonly rate: number
  readonly run: JudgedRun
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

/** How much lower to try while nothing has met it. */
const DESCENT = 8

/**
 * Finds the highest rate that meets all conditions: up by doubling while they are met, then halving what is between the
 * highest rate that met them and the lowest that did not.
 *
 * A rate that fails is tried once more, for one hiccup of the machine would end the search far too low. A rate at which
 * requests are lost does not meet anything, whatever its latencies: those are only of the requests that survived. A
 * generator that could not offer the rate ends the search: what it would find then is its own limit.
 *
 * @param attempt makes load at a rate; undefined when it was interrupted
 * @param onStep told each rate that was tried
 */
export async function search(
  { slo, from, maxRate, precision }: SearchOptions,
  attempt: (rate: number) => Promise<JudgedRun | undefined>,
  onStep: (step: Step) => void,
): Promise<Found> {
  const most = maxRate ?? Number.POSITIVE_INFINITY
  let met: number | undefined
  let missed: number | undefined
  let last: Step | undefined
  let rate = Math.min(from, most)
  for (;;) {
    const again = last?.rate === rate
    const run = await attempt(rate)
    if (run === undefined) return { highest: met, end: 'interrupted', last }
    last = toStep(rate, run, slo)
    onStep(last)
    if (last.outcome !== 'met' && !again) continue
    if (last.outcome === 'saturated') return { highest: met, end: 'saturated', last }

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

function toStep(rate: number, run: JudgedRun, slo: readonly Threshold[]): Step {
  const verdicts = judge(slo, [run])
  return { rate, run, verdicts, outcome: outcomeOf(run, verdicts) }
}

function outcomeOf(run: JudgedRun, verdicts: readonly ThresholdVerdict[]): Outcome {
  if (run.saturated) return 'saturated'
  if (!isClean(run)) return 'failed'
  return verdicts.every(({ passed }) => passed) ? 'met' : 'missed'
}
