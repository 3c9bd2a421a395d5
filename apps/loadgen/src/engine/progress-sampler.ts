import type { ConnectionSlots } from './connection-slots.ts'
import type { LoadStats } from './load-stats.ts'
import { type ProgressSample, SAMPLE_INTERVAL, type WorkerPlan } from './load-worker.ts'

/** How often overdue requests are counted, in milliseconds. */
const OVERDUE_INTERVAL = 1000

/** Takes the progress samples of a worker. */
export class ProgressSampler {
  readonly #plan: WorkerPlan
  readonly #slots: ConnectionSlots
  readonly #onSample: (sample: ProgressSample) => void
  /** The next time slice; -1 before the counting. */
  #slice = -1
  /** Requests that were due before the last sample. */
  #dueBefore = 0
  /** When overdue requests were counted last, and how many there were. */
  #overdueAt = 0
  #overdue = 0

  constructor(plan: WorkerPlan, slots: ConnectionSlots, onSample: (sample: ProgressSample) => void) {
    this.#plan = plan
    this.#slots = slots
    this.#onSample = onSample
  }

  countFrom(): void {
    this.#slice = 0
    this.#dueBefore = 0
  }

  /** Takes a sample of the time since the last call. */
  sample({ sample, counts, since, offered, requests }: LoadStats): void {
    const slots = this.#slots
    const isOpen = this.#plan.schedule !== undefined
    const at = counts ? performance.now() - since : 0
    let slice = -1
    if (counts) {
      // The timer is usually slightly late, or early. If it is very late, there is an empty slice before.
      slice = Math.max(this.#slice, Math.floor(at / SAMPLE_INTERVAL + 0.05) - 1)
      this.#slice = slice + 1
    }
    this.#onSample({
      slice,
      at,
      acks: sample.acks,
      failedAcks: sample.failedAcks,
      connectionsLost: slots.newlyLost,
      late: sample.late,
      due: isOpen ? offered - this.#dueBefore : 0,
      unsent: isOpen ? Math.max(0, offered - requests) : 0,
      overdue: this.#overdueNow(),
      mismatched: slots.mismatched,
      duplicates: slots.duplicates,
      inFlight: slots.inFlight,
      connections: slots.connected,
      connectionsDown: slots.outages.down,
      responseTimes: sample.responseTimes.pack(),
    })
    slots.newlyLost = 0
    this.#dueBefore = offered
    sample.acks = sample.failedAcks = sample.late = 0
    sample.responseTimes.clear()
  }

  /** Counts at most once a second, because it visits each waiting request. */
  #overdueNow(): number {
    const { timeout } = this.#plan
    const now = performance.now()
    if (timeout === 0 || now - this.#overdueAt < OVERDUE_INTERVAL) return this.#overdue
    this.#overdueAt = now
    this.#overdue = this.#slots.overdue(now - timeout)
    return this.#overdue
  }
}
