import type { RunFigures } from '../run/result.ts'
import { describeActual, judge, type Threshold, type ThresholdVerdict } from './threshold.ts'

/** For so long times, rates and shares are not judged, in seconds of the load: those of few requests tell little. */
const GRACE = 2

/** How often in a row a time, a rate or a share must have crossed its threshold. */
const LOOKS = 2

const WHY = '--abort-on-fail'

/** Whether a run was ended because it crossed a threshold. */
export function wasAborted({ interruptedBecause }: RunFigures): boolean {
  return interruptedBecause?.startsWith(WHY) === true
}

/**
 * Judges a run while it goes on, each time it is called with what came of it so far. A count that is too high stays so:
 * that ends the run at once. A time, a rate or a share may still change: it must be crossed twice in a row, after a grace.
 * A count that is too low for now says nothing.
 *
 * @returns why the run must end, in one line
 */
export function abortOnFail(thresholds: readonly Threshold[]): (run: RunFigures) => string | undefined {
  const crossed = new Map<Threshold, number>()
  return (run) => {
    for (const verdict of judge(thresholds, [run])) {
      const { threshold } = verdict
      const times = isCrossed(verdict, run) ? (crossed.get(threshold) ?? 0) + 1 : 0
      crossed.set(threshold, times)
      if (times >= (threshold.metric.kind === 'count' ? 1 : LOOKS)) {
        return `${WHY}: ${threshold.text} is crossed: ${describeActual(verdict)}`
      }
    }
    return undefined
  }
}

function isCrossed({ threshold, actual, passed }: ThresholdVerdict, run: RunFigures): boolean {
  if (passed) return false
  const { metric, operator, limit } = threshold
  if (metric.kind !== 'count') return run.durationSeconds >= GRACE
  if (actual === null || operator === '>' || operator === '>=') return false
  return actual > limit || operator === '<'
}
