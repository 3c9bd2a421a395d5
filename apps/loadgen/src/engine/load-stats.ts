import type { AnsweredRun } from '@demo/client-sim'
import { Distribution, type PackedDistribution } from './distribution.ts'
import { UnansweredTimes } from './unanswered-times.ts'

/** Significant digits of the times in a slice: fewer than in the result, because there are many slices. */
const SLICE_DIGITS = 2

/** Visits some requests, each with its due time, and the time it was sent if it was. */
export type UnansweredVisits = (visit: (dueAt: number, sentAt?: number) => void) => void

/** Response times and service times that include requests without an answer, and how many those are. */
export interface TimesWithUnanswered {
  readonly neverAnswered: number
  readonly responseTimes: PackedDistribution
  readonly serviceTimes: PackedDistribution | undefined
}

/** Statistics of the requests that were due since the counting began. */
export class LoadStats {
  /** Requests that were due. */
  offered = 0
  requests = 0
  /** Requests sent since the counting began, also those due before. */
  sent = 0
  /** When the last of them was sent. Only in the open model. */
  lastSentAt = 0
  acks = 0
  failedAcks = 0
  /** Answers that came later than the timeout. */
  late = 0
  /** Requests that were lost with their connection. */
  lost = 0
  /** Requests that were due, and that the generator itself was too late to send. */
  notReached = 0
  /** Requests that had to wait for room. */
  waited = 0
  reconnects = 0
  /** Answers that came since the counting began, also to requests sent before. */
  acksArrived = 0
  /** When the last answer came, in milliseconds on the monotonic clock. */
  lastAnsweredAt = 0
  /** When the counting began, in milliseconds on the monotonic clock; infinite before that. */
  readonly since: number
  readonly responseTimes = new Distribution()
  /** Undefined in the closed model: the same as response times. */
  readonly serviceTimes: Distribution | undefined
  /** How late the generator looked at requests. Undefined in the closed model. */
  readonly lags: Distribution | undefined
  /** When requests that will never be answered were due, and, in the open model, when they were sent. */
  readonly #unanswered = new UnansweredTimes()
  readonly #unansweredSent: UnansweredTimes | undefined
  readonly #timeout: number

  /** Answers since the last sample: to requests that count, and before the counting to all. */
  readonly sample = { acks: 0, failedAcks: 0, late: 0, responseTimes: new Distribution(SLICE_DIGITS) }

  constructor(since: number, timeout: number, open: boolean) {
    this.since = since
    this.#timeout = timeout === 0 ? Number.POSITIVE_INFINITY : timeout
    this.serviceTimes = open ? new Distribution() : undefined
    this.#unansweredSent = open ? new UnansweredTimes() : undefined
    this.lags = open ? new Distribution() : undefined
  }

  get counts(): boolean {
    return this.since < Number.POSITIVE_INFINITY
  }

  answered({ dueAt, sentAt, answeredAt, count, succeeded }: Readonly<AnsweredRun>): void {
    this.acksArrived += count
    this.lastAnsweredAt = answeredAt
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

  /** A request was lost with its connection. */
  recordLost(dueAt: number, sentAt: number): void {
    if (dueAt < this.since) return
    this.lost += 1
    this.#unanswered.add(dueAt)
    this.#unansweredSent?.add(sentAt)
  }

  /** Requests that were due within a time and are never sent. */
  recordUnsent(from: number, to: number, count: number, notReached: boolean): void {
    this.offered += count
    if (notReached) this.notReached += count
    this.#unanswered.addSpread(from, to, count)
  }

  /**
   * All times, including those of requests without an answer: each counts as long as it has waited by now, but at least
   * as `least`.
   *
   * @param rest visits the other requests without an answer
   */
  timesWithUnanswered(now: number, least: number, rest: UnansweredVisits): TimesWithUnanswered {
    const responseTimes = new Distribution()
    responseTimes.add(this.responseTimes.pack())
    let neverAnswered = this.#unanswered.recordInto(responseTimes, now, least)
    let serviceTimes: Distribution | undefined
    if (this.serviceTimes !== undefined) {
      serviceTimes = new Distribution()
      serviceTimes.add(this.serviceTimes.pack())
      this.#unansweredSent?.recordInto(serviceTimes, now, least)
    }
    rest((dueAt, sentAt) => {
      if (dueAt < this.since) return
      neverAnswered += 1
      responseTimes.record(Math.max(least, now - dueAt), 1)
      if (sentAt !== undefined) serviceTimes?.record(Math.max(least, now - sentAt), 1)
    })
    return { neverAnswered, responseTimes: responseTimes.pack(), serviceTimes: serviceTimes?.pack() }
  }

  /** The generator looked at a request this much later than it was due. */
  recordLag(dueAt: number, lag: number): void {
    if (dueAt >= this.since) this.lags?.record(lag, 1)
  }
}
