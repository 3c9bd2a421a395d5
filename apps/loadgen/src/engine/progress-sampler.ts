import type { ConnectionSlots } from './connection-slots.ts'
import type { LoadStats } from './load-stats.ts'
import { type ProgressSample, SAMPLE_INTERVAL, type WorkerPlan } from './load-worker.ts'

/** How often requests that wait for too long are counted while the load is made, in milliseconds. */
const OVERDUE_INTERVAL = 1000

/** Tells how a worker's load is going. */
export class ProgressSampler {
  readonly #plan: WorkerPlan
  readonly #slots: ConnectionSlots
  readonly #onSample: (sample: ProgressSample) => void
  /** The next slice of the counting; -1 before it. */
  #slice = -1
  /** Requests that were due before the last sample. */
  #dueBefore = 0
  /** When requests that wait for too long were counted last, and how many there were. */
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

  /** Tells what came since it was called last, and how it is now. */
  sample({ sample, counts, since, offered, requests }: LoadStats): void {
    const slots = this.#slots
    const isOpen = this.#plan.schedule !== undefined
    const at = counts ? performance.now() - since : 0
    let slice = -1
    if (counts) {
      // The timer is a little late as a rule, or early; and where it was very late, a slice more is empty.
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

  /** As it was at most a second ago: it looks at each request that waits. */
  #overdueNow(): number {
    const { timeout } = this.#plan
    const now = performance.now()
    if (timeout === 0 || now - this.#overdueAt < OVERDUE_INTERVAL) return this.#overdue
    this.#overdueAt = now
    this.#overdue = this.#slots.overdue(now - timeout)
    return this.#overdue
  }
}
