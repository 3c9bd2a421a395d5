import type { AnsweredRun } from '@demo/client-sim'
import { Distribution } from './distribution.ts'
import { UnansweredTimes } from './unanswered-times.ts'

/** Statistics of the requests to one of several targets. */
export class TargetStats {
  readonly target: string
  acks = 0
  failedAcks = 0
  /** Answers that came later than the timeout. */
  late = 0
  /** Requests that were lost with their connection. */
  lost = 0
  /** Lost connections. */
  errors = 0
  /** Answers that came while requests were sent and counted. */
  acksInTime = 0
  responseTimes = new Distribution()
  unansweredTimes = new UnansweredTimes()
  readonly #timeout: number
  #since = Number.POSITIVE_INFINITY
  #acksArrived = 0
  #stopped = false

  constructor(target: string, timeout: number) {
    this.target = target
    this.#timeout = timeout === 0 ? Number.POSITIVE_INFINITY : timeout
  }

  countFrom(now: number): void {
    this.#since = now
    this.#acksArrived = 0
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.acksInTime = this.#acksArrived
  }

  answered({ dueAt, answeredAt, count, succeeded }: Readonly<AnsweredRun>): void {
    this.#acksArrived += count
    if (dueAt < this.#since) return
    const took = answeredAt - dueAt
    this.acks += count
    if (!succeeded) this.failedAcks += count
    if (took > this.#timeout) this.late += count
    this.responseTimes.record(took, count)
  }

  unanswered(dueAt: number): void {
    if (dueAt < this.#since) return
    this.lost += 1
    this.unansweredTimes.add(dueAt)
  }
}
