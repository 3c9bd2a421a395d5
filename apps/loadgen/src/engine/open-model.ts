import type { ConnectionSlot } from './connection-slot.ts'
import type { ConnectionSlots } from './connection-slots.ts'
import { DueRequests } from './due-requests.ts'
import type { LoadModel, SendLimit } from './load-model.ts'
import type { LoadStats } from './load-stats.ts'
import { createPacer, type Pacer, type PacerOptions } from './pacer.ts'
import { PreciseTimer } from './precise-timer.ts'

const NO_LIMIT = Number.POSITIVE_INFINITY

/** The least time between two looks at the schedule, in milliseconds. Requests due in between leave in one write. */
const MIN_PAUSE = 0.05

/** The most requests for one turn of the event loop. The next turn takes the rest, after answers and signals. */
const MAX_PER_TURN = 16_384

/** The most requests that may wait for room, on all connections: 32 MiB. Beyond that, due requests are counted as unsent. */
const MAX_WAITING = 2 ** 22

/** How long requests that are due at the end may be sent, in milliseconds. */
const FINAL_LOOK_LIMIT = 50

/** The open model: a request is sent when it is due, whatever became of those before it. */
export class OpenModel implements LoadModel {
  left = 0
  readonly #options: PacerOptions
  readonly #slots: ConnectionSlots
  readonly #requests: DueRequests
  /** Called when no more requests become due. */
  readonly #onEnd: () => void
  readonly #timer: PreciseTimer
  #stats: LoadStats
  #pacer: Pacer | undefined
  /** When the schedule began, and when it ends. */
  #began = 0
  #until = 0
  #stopped = false
  #closed = false

  /** @param work a number that changes when anything but sending was done */
  constructor(options: PacerOptions, slots: ConnectionSlots, stats: LoadStats, work: () => number, onEnd: () => void) {
    this.#options = options
    this.#slots = slots
    this.#stats = stats
    this.#onEnd = onEnd
    const requests = new DueRequests(slots, stats)
    this.#requests = requests
    this.#timer = new PreciseTimer(
      () => this.#look(),
      () => requests.attempts + work(),
    )
  }

  start({ amount, until }: SendLimit, stats: LoadStats, now: number): void {
    // Requests left over from the warm-up would take the load's time.
    this.#skip(now, false)
    this.#stats = stats
    this.#requests.stats = stats
    this.#timer.idle = 0
    this.left = amount
    this.#until = until
    const { stages, ...steady } = this.#options
    const isStaged = stages !== undefined && stats.counts
    // A load continues the schedule of its warm-up. Only stages begin with the load.
    if (this.#pacer !== undefined && !isStaged) return
    this.#timer.close()
    this.#pacer = createPacer(isStaged ? this.#options : steady)
    this.#began = now
    this.#look()
  }

  onRoom(slot: ConnectionSlot): void {
    this.#requests.send(slot)
  }

  onLost(lost: ConnectionSlot): void {
    this.#requests.reassign(lost)
  }

  stop(now: number): void {
    this.#stopped = true
    this.#until = Math.min(this.#until, now)
    this.#offerRest(now)
  }

  close(): void {
    this.#closed = true
    this.#timer.close()
  }

  get pending(): boolean {
    return this.#requests.waiting > 0 || this.#mayOffer()
  }

  get waiting(): number {
    return this.#requests.waiting
  }

  get idle(): number {
    return this.#timer.idle
  }

  /** When the schedule ends, in milliseconds on the monotonic clock. */
  get until(): number {
    return this.#until
  }

  needs(slot: ConnectionSlot): boolean {
    if (this.#requests.waitFor(slot)) return true
    if (this.#stopped) return false
    return this.left >= this.#slots.all.length || this.left > this.#requests.turnsUntil(slot)
  }

  forEachWaiting(visit: (dueAt: number) => void): void {
    this.#requests.forEach(visit)
  }

  /** Offers what is due, and sets the timer for the next request. */
  #look(): void {
    if (this.#pacer === undefined || this.#closed) return
    this.#offer(performance.now())
    const next = this.#began + this.#pacer.next
    const now = performance.now()
    if (!this.#mayOffer()) this.#onEnd()
    // If we are behind schedule by more than the pause, do not pause.
    else this.#timer.callAt(next < now - MIN_PAUSE ? now : Math.max(now + MIN_PAUSE, next))
  }

  /** Offers what was due by now. If that takes too long, the rest is counted as unsent. */
  #offerRest(now: number): void {
    const since = performance.now()
    while (this.#isDue(now) && performance.now() - since < FINAL_LOOK_LIMIT) this.#offer(now)
    this.#skip(now, true)
  }

  #mayOffer(): boolean {
    const { next = NO_LIMIT } = this.#pacer ?? {}
    return this.left > 0 && this.#began + next < this.#until
  }

  #isDue(now: number): boolean {
    return this.#mayOffer() && this.#began + (this.#pacer?.next ?? NO_LIMIT) <= now
  }

  /**
   * Counts what is due before a time as unsent.
   *
   * @param notReached whether the generator is the cause, and not the server
   */
  #skip(before: number, notReached: boolean): void {
    const pacer = this.#pacer
    if (pacer === undefined) return
    const stats = this.#stats
    const until = Math.min(before, this.#until)
    pacer.skip(this.#began, Math.min(until, stats.since), NO_LIMIT)
    const first = this.#began + pacer.next
    const skipped = pacer.skip(this.#began, until, this.left)
    if (skipped > 0) stats.recordUnsent(first, until, skipped, notReached)
    this.left -= skipped
    if (this.left === 0) this.#endSchedule()
  }

  /** Assigns what is due by now to the connections and sends it, within the limits of a turn and of memory. */
  #offer(now: number): void {
    const pacer = this.#pacer
    if (pacer === undefined) return
    const requests = this.#requests
    const most = Math.min(MAX_PER_TURN, MAX_WAITING - requests.waiting)
    if (most <= 0) {
      this.#skip(now, false)
      return
    }
    requests.beginRound()
    let count = 0
    for (; count < most && this.#isDue(now); count++) {
      const dueAt = this.#began + pacer.next
      const slot = requests.nextSlot()
      if (slot === undefined) {
        requests.addUnassigned(dueAt, now)
      } else {
        slot.due.push(dueAt)
        slot.fresh += 1
      }
      pacer.advance()
      // A request that was due in the warm-up and is sent only now does not count towards an amount.
      if (dueAt < this.#stats.since) continue
      this.#stats.offered += 1
      this.left -= 1
    }
    if (this.left === 0) this.#endSchedule()
    requests.endRound(count, now)
  }

  /** The whole amount was due: the schedule ends where the next request would have been due. */
  #endSchedule(): void {
    this.#until = Math.min(this.#until, this.#began + (this.#pacer?.next ?? NO_LIMIT))
  }
}
