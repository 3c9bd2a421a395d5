import type { Progress } from '../engine/monitor.ts'
import { NONE, showCount } from '../units/format.ts'

/** The unit of a percentile that changes all the time stays the same. */
export function showLatency(value: number | null): string {
  if (value === null) return NONE
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

/** Everything that has gone wrong so far, in a word or two each; nothing where all is well. */
export function progressFailures(progress: Progress): string[] {
  const { failedAcks, late, overdue, unsent, connectionsLost, connectionsDown, mismatched, duplicates } = progress
  const all: readonly [number, string][] = [
    [failedAcks, 'failed'],
    [late, 'late'],
    [overdue, 'overdue'],
    [unsent, 'unsent'],
    [connectionsLost, connectionsLost === 1 ? 'connection lost' : 'connections lost'],
    [connectionsDown, 'down now'],
    [mismatched, 'mismatched'],
    [duplicates, duplicates === 1 ? 'duplicate' : 'duplicates'],
  ]
  return all.filter(([many]) => many > 0).map(([many, said]) => `${showCount(many)} ${said}`)
}

/** Answers a second since something was told before; of a phase that has just begun, since it began. */
export function rateOf(progress: Progress, before: Progress | undefined): number {
  const { phase, acks, seconds } = progress
  // The drain goes on with the load's count, and with a clock of its own.
  if (before?.phase === phase) return perSecond(acks - before.acks, seconds - before.seconds)
  if (phase === 'drain' && before?.phase === 'load') return perSecond(acks - before.acks, seconds)
  return perSecond(acks, seconds)
}

const perSecond = (count: number, seconds: number) => (seconds > 0 ? count / seconds : 0)
