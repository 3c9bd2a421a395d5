import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_TIMER } from './units.ts'

/**
 * Waits until work is done, the time is up, or the signal aborts.
 *
 * @param milliseconds may be infinite
 * @param work if undefined, waits for the time and the signal only
 * @returns the result of the work; undefined if it was not done in time: then its rejection is ignored
 */
export async function within<Value>(
  milliseconds: number,
  work: Promise<Value> | undefined,
  signal?: AbortSignal,
): Promise<Value | undefined> {
  const over = new AbortController()
  const signals = signal === undefined ? [over.signal] : [over.signal, signal]
  const time = sleep(Math.min(milliseconds, MAX_TIMER), undefined, { signal: AbortSignal.any(signals) })
  work?.catch(() => {})
  try {
    return await Promise.race([...(work === undefined ? [] : [work]), time.catch(() => undefined)])
  } finally {
    over.abort()
  }
}
