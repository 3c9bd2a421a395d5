import { showWholeRate } from '../units/format.ts'
import type { RunFigures } from './result.ts'

/** How late the generator may come to send requests, in milliseconds, before its figures are about itself. */
export const LAG_BOUND = 10

/** Of the requests that were due, how many must have been sent for the load to be what was asked for. */
const OFFERED_ENOUGH = 0.99

/** From here a thread has no time left. */
const BUSY = 0.95

/** What the verdict is made from. */
export interface Evidence {
  /** Requests a second; null in the closed model. */
  readonly offeredRate: number | null
  readonly sentRate: number
  /** The 99th percentile in milliseconds; null in the closed model. */
  readonly lagP99: number | null
  /** How much of the time each worker did something, from 0 to 1. */
  readonly busy: readonly number[]
}

/**
 * Whether the generator, and not the server, was the limit: in one line why, or null.
 *
 * Only the open model can be saturated. There a load was asked for, and either requests were looked at too late, or they
 * were not sent and a worker had no time left. Requests that wait because the server does not take them are no fault of
 * the generator: it looked at them in time. In the closed model no load was asked for but "as much as can be", and a
 * busy generator is what a fast server looks like; see {@link busyNote}.
 */
export function whySaturated({ offeredRate, sentRate, lagP99, busy }: Evidence): string | null {
  if (offeredRate === null || lagP99 === null) return null
  if (lagP99 > LAG_BOUND) {
    return `one request in a hundred was looked at ${lagP99.toFixed(1)} ms late or later; ${LAG_BOUND} ms is the most`
  }
  if (sentRate < offeredRate * OFFERED_ENOUGH && Math.max(...busy) >= BUSY) {
    const [sent, offered] = [sentRate, offeredRate].map(showWholeRate)
    return `it was busy all the time and sent ${sent} of ${offered} requests a second`
  }
  return null
}

/** For how long a generator must have been busy to say so, in seconds: a run that is over at once is little but its start. */
const BUSY_FOR = 1

/** What is to be known of a closed model's figures when the generator had no time left; undefined when it had. */
export function busyNote({ offeredRate, busy }: Evidence, seconds: number): string | undefined {
  if (offeredRate !== null || Math.max(...busy) < BUSY || seconds < BUSY_FOR) return undefined
  return 'the generator was busy all the time: with --workers, or from another machine, there may be more'
}

/** Whether each request was sent, and answered once, in time, and with success. */
export function isClean(result: RunFigures): boolean {
  const { requests, failedAcks, unanswered, unsent, mismatched, duplicates, timedOut, errors } = result
  return requests > 0 && failedAcks + unanswered + unsent + mismatched + duplicates + timedOut + errors === 0
}

/**
 * Whether something went wrong that is not the generator's own doing.
 *
 * | of a saturated generator             | who did it                                                          |
 * |--------------------------------------|---------------------------------------------------------------------|
 * | `unsent`                             | the generator: it did not get to them, or sent others so much later  |
 * | `late`                               | the generator: it sent them late, or read their answers late         |
 * | `unanswered` for less than `timeout` | the generator: it sent them so late that there was no time           |
 * | `overdue`                            | the server: they were sent, and not answered for the whole timeout   |
 * | `lost`, `errors`                     | the server: it lost the connection                                   |
 * | `failedAcks`, `mismatched`, `duplicates` | the server: it answered so                                       |
 *
 * What came to the generator before its end was read, so what is `overdue` was not answered.
 */
export function hasFailed(result: RunFigures): boolean {
  const { saturated, failedAcks, mismatched, duplicates, errors, lost, overdue } = result
  if (!saturated) return !isClean(result)
  return failedAcks + mismatched + duplicates + errors + lost + overdue > 0
}
