import type { AnsweredRun } from '@demo/client-sim'
import { Distribution } from './distribution.ts'

/** How exact the percentiles of a slice are: for a chart, and there are many of them. */
const SLICE_DIGITS = 2

/** What is counted of the requests that were due since the counting began. */
export class LoadStats {
  /** Requests that were due. */
  offered = 0
  requests = 0
  /** Requests sent since the counting began, whenever they were due. */
  sent = 0
  /** When the last of them was sent; only in the open model. */
  lastSentAt = 0
  acks = 0
  failedAcks = 0
  /** Answers that came later than the timeout. */
  late = 0
  /** Requests that had to wait for room. */
  waited = 0
  reconnects = 0
  /** Answers that came since the counting began, whenever their requests were sent. */
  acksArrived = 0
  /** When the counting began, in milliseconds on the monotonic clock; infinite before it does. */
  readonly since: number
  readonly responseTimes = new Distribution()
  /** Undefined in the closed model: the same. */
  readonly serviceTimes: Distribution | undefined
  /** How late requests were looked at; undefined in the closed model. */
  readonly lags: Distribution | undefined
  readonly #timeout: number

  /** What came since the last sample, of requests that count; before the counting, of all. */
  readonly sample = { acks: 0, failedAcks: 0, late: 0, responseTimes: new Distribution(SLICE_DIGITS) }

  constructor(since: number, timeout: number, open: boolean) {
    this.since = since
    this.#timeout = timeout === 0 ? Number.POSITIVE_INFINITY : timeout
    this.serviceTimes = open ? new Distribution() : undefined
    this.lags = open ? new Distribution() : undefined
  }

  get counts(): boolean {
    return this.since < Number.POSITIVE_INFINITY
  }

  answered({ dueAt, sentAt, answeredAt, count, succeeded }: Readonly<AnsweredRun>): void {
    this.acksArrived += count
    const counted = dueAt >= this.since
    if (!counted && this.counts) return
    const took = answeredAt - dueAt
    const { sample } = this
    sample.acks += count
    sample.responseTimes.record(took, count)
    if (!succeeded) sample.failedAcks += count
    if (took > this.#timeout) sample.late += count
    if (!counted) return
    this.acks += count
    if (!succeeded) this.failedAcks += count
    if (took > this.#timeout) this.late += count
    this.responseTimes.record(took, count)
    this.serviceTimes?.record(answeredAt - sentAt, count)
  }

  /** A request was looked at so much later than it was due. */
  lagged(dueAt: number, lag: number): void {
    if (dueAt >= this.since) this.lags?.record(lag, 1)
  }
}
