import type { Progress } from '../engine/monitor.ts'

export const count = (n: number) => n.toLocaleString('en-US')

export const milliseconds = (n: number) => `${n < 10 ? n.toFixed(2) : n.toFixed(1)} ms`

/** Answers a second since something was told before; of a phase that has just begun, since it began. */
export function rateOf(progress: Progress, before: Progress | undefined): number {
  const { phase, acks, seconds } = progress
  // The drain goes on with the load's count, and with a clock of its own.
  if (before?.phase === phase) return perSecond(acks - before.acks, seconds - before.seconds)
  if (phase === 'drain' && before?.phase === 'load') return perSecond(acks - before.acks, seconds)
  return perSecond(acks, seconds)
}

const perSecond = (n: number, seconds: number) => (seconds > 0 ? Math.round(n / seconds) : 0)
