import { showWholeRate } from '../units/format.ts'
import type { RunFigures } from './result.ts'

/** How late the generator may look at requests, in milliseconds, before it counts as saturated. */
export const LAG_BOUND = 10

/** The share of due requests that must have been sent. */
const OFFERED_ENOUGH = 0.99

/** From this utilization on, a thread has no time left. */
const BUSY = 0.95

/** The figures that the verdict is based on. */
export interface Evidence {
  /** Requests a second; null in the closed model. */
  readonly offeredRate: number | null
  readonly sentRate: number
  /** The 99th percentile in milliseconds; null in the closed model. */
  readonly lagP99: number | null
  /** The share of time in which each worker was busy, from 0 to 1. */
  readonly busy: readonly number[]
}

/**
 * Why the generator, and not the server, was the limit, in one line; null if it was not.
 *
 * Only the open model can be saturated. There a rate was requested, and either requests were looked at too late, or they
 * were not sent and a worker had no time left. Requests that wait because the server does not take them do not count: the
 * generator looked at them in time. In the closed model no rate was requested, and a fast server keeps the generator busy;
 * see {@link busyNote}.
 */
export function whySaturated({ offeredRate, sentRate, lagP99, busy }: Evidence): string | null {
  if (offeredRate === null || lagP99 === null) return null
  if (lagP99 > LAG_BOUND) {
    return `the generator was at least ${lagP99.toFixed(1)} ms late for one request in a hundred; the limit is ${LAG_BOUND} ms`
  }
  if (sentRate < offeredRate * OFFERED_ENOUGH && Math.max(...busy) >= BUSY) {
    const [sent, offered] = [sentRate, offeredRate].map(showWholeRate)
    return `it was busy all the time and sent ${sent} of ${offered} requests a second`
  }
  return null
}

/** The shortest run that gets the note, in seconds: a shorter one is mostly its start. */
const MIN_BUSY_SECONDS = 1

/** A note about figures of the closed model if the generator had no time left; undefined if it had. */
export function busyNote({ offeredRate, busy }: Evidence, seconds: number): string | undefined {
  if (offeredRate !== null || Math.max(...busy) < BUSY || seconds < MIN_BUSY_SECONDS) return undefined
  return 'the generator was busy all the time: more --workers, or another machine, may reach more'
}

/** Whether each request was sent and was answered once, in time and with success. */
export function isClean(result: RunFigures): boolean {
  const { requests, failedAcks, unanswered, unsent, mismatched, duplicates, timedOut, errors } = result
  return requests > 0 && failedAcks + unanswered + unsent + mismatched + duplicates + timedOut + errors === 0
}

/**
 * Whether anything failed that the generator did not cause.
 *
 * | with a saturated generator               | cause                                                            |
 * |------------------------------------------|------------------------------------------------------------------|
 * | `unsent`                                 | the generator: it was too late to send them                      |
 * | `late`                                   | the generator: it sent them late, or read their answers late     |
 * | `unanswered` for less than `timeout`     | the generator: it sent them shortly before the end               |
 * | `overdue`                                | the server: sent, and not answered for the whole timeout         |
 * | `lost`, `errors`                         | the server: it lost the connection                               |
 * | `failedAcks`, `mismatched`, `duplicates` | the server: its answers                                          |
 *
 * The generator reads all answers that came before the end, so `overdue` requests were not answered.
 */
export function hasFailed(result: RunFigures): boolean {
  const { saturated, failedAcks, mismatched, duplicates, errors, lost, overdue } = result
  if (!saturated) return !isClean(result)
  return failedAcks + mismatched + duplicates + errors + lost + overdue > 0
}
