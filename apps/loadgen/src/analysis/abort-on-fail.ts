import type { RunFigures } from '../run/result.ts'
import { describeActual, judge, type Threshold, type ThresholdVerdict } from './threshold.ts'

/** Times, rates and shares are not judged in the first seconds of the load: they are of too few requests. */
const GRACE_SECONDS = 2

/** How often in a row a time, a rate or a share must have crossed its threshold. */
const REQUIRED_CROSSINGS = 2

/**
 * Judges a run while it goes on. A count that is too high stays too high: it ends the run at once. A time, a rate or a
 * share can still change: it ends the run when it is crossed twice in a row, after a grace period. A count that is still too
 * low does not end the run.
 */
export class AbortOnFail {
  /** Whether a threshold was crossed, so that the run had to end. */
  hasAborted = false
  readonly #thresholds: readonly Threshold[]
  readonly #crossings = new Map<Threshold, number>()

  constructor(thresholds: readonly Threshold[]) {
    this.#thresholds = thresholds
  }

  /**
   * @param run its figures so far
   * @returns why the run must end, in one line; undefined if it may go on
   */
  judge(run: RunFigures): string | undefined {
    for (const verdict of judge(this.#thresholds, [run])) {
      const { threshold } = verdict
      const crossings = isCrossed(verdict, run) ? (this.#crossings.get(threshold) ?? 0) + 1 : 0
      this.#crossings.set(threshold, crossings)
      if (crossings >= (threshold.metric.kind === 'count' ? 1 : REQUIRED_CROSSINGS)) {
        this.hasAborted = true
        return `--abort-on-fail: ${threshold.text} is crossed: ${describeActual(verdict)}`
      }
    }
    return undefined
  }
}

function isCrossed({ threshold, actual, passed }: ThresholdVerdict, run: RunFigures): boolean {
  if (passed) return false
  const { metric, operator, limit } = threshold
  if (metric.kind !== 'count') return run.durationSeconds >= GRACE_SECONDS
  if (actual === null || operator === '>' || operator === '>=') return false
  return actual > limit || operator === '<'
}
