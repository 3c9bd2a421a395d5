import type { AnsweredRun } from '@demo/client-sim'
import { Distribution, type PackedDistribution } from './distribution.ts'
import { UnansweredTimes } from './unanswered-times.ts'

/** How exact the percentiles of a slice are: for a chart, and there are many of them. */
const SLICE_DIGITS = 2

/** Calls for each of some requests, with when it was due, and when it was sent if it was. */
export type UnansweredVisits = (visit: (dueAt: number, sentAt?: number) => void) => void

/** Response times and service times in which requests are that were never answered, and how many those are. */
export interface TimesWithUnanswered {
  readonly neverAnswered: number
  readonly responseTimes: PackedDistribution
  readonly serviceTimes: PackedDistribution | undefined
}

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
  /** Requests that were lost with their connection. */
  lost = 0
  /** Requests that were due, and the generator itself did not get to. */
  notReached = 0
  /** Requests that had to wait for room. */
  waited = 0
  reconnects = 0
  /** Answers that came since the counting began, whenever their requests were sent. */
  acksArrived = 0
  /** When an answer came last, in milliseconds on the monotonic clock. */
  lastAnsweredAt = 0
  /** When the counting began, in milliseconds on the monotonic clock; infinite before it does. */
  readonly since: number
  readonly responseTimes = new Distribution()
  /** Undefined in the closed model: the same. */
  readonly serviceTimes: Distribution | undefined
  /** How late requests were looked at; undefined in the closed model. */
  readonly lags: Distribution | undefined
  /** What will never be answered: since when it was due, and, unless that is the same, since when it was sent. */
  readonly #unanswered = new UnansweredTimes()
  readonly #unansweredSent: UnansweredTimes | undefined
  readonly #timeout: number

  /** What came since the last sample, of requests that count; before the counting, of all. */
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

  /** So many requests were due in a time, and are never sent. */
  recordUnsent(from: number, to: number, count: number, notReached: boolean): void {
    this.offered += count
    if (notReached) this.notReached += count
    this.#unanswered.addSpread(from, to, count)
  }

  /**
   * All times by now, of what will never be answered too. What that has waited for by now is told, or the least that it
   * counts as.
   *
   * @param rest calls for each other request that is counted like that
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

  /** A request was looked at so much later than it was due. */
  recordLag(dueAt: number, lag: number): void {
    if (dueAt >= this.since) this.lags?.record(lag, 1)
  }
}
