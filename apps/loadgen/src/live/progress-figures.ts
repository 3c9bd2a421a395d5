import type { Progress } from '../engine/monitor.ts'
import { NONE, showCount } from '../units/format.ts'
import { perSecond } from '../units/per-second.ts'

/** A percentile in milliseconds. It changes all the time, so its unit stays the same. */
export function showLatency(value: number | null): string {
  if (value === null) return NONE
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

/** What has gone wrong so far, in a word or two each. Empty if nothing has. */
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
  return all.filter(([many]) => many > 0).map(([many, name]) => `${showCount(many)} ${name}`)
}

/** Answers a second since the progress before, or since the phase began. */
export function rateOf(progress: Progress, before: Progress | undefined): number {
  const { phase, acks, seconds } = progress
  // The drain continues the count of the load, and has a clock of its own.
  if (before?.phase === phase) return perSecond(acks - before.acks, seconds - before.seconds)
  if (phase === 'drain' && before?.phase === 'load') return perSecond(acks - before.acks, seconds)
  return perSecond(acks, seconds)
}
