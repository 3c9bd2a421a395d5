import type { ConnectionSlot } from './connection-slot.ts'
import type { ConnectionSlots } from './connection-slots.ts'
import { DueQueue } from './due-queue.ts'
import type { LoadModel, SendLimit } from './load-model.ts'
import type { LoadStats } from './load-stats.ts'
import { createPacer, type Pacer, type PacerOptions } from './pacer.ts'
import { PreciseTimer } from './precise-timer.ts'

const NO_LIMIT = Number.POSITIVE_INFINITY

/**
 * The least time between two looks at the schedule, in milliseconds: what is due in between leaves together, and may be
 * so late for it.
 */
const MIN_PAUSE = 0.05

/** How many requests are looked at in one turn of the event loop: the rest comes in the next, after answers and signals. */
const MAX_PER_TURN = 16_384

/**
 * How many requests may wait for room, on all connections together: 32 MiB. What is due beyond that is counted, as due
 * and never sent, and kept nowhere.
 */
const MAX_WAITING = 2 ** 22

/** How long what is overdue at the end may be looked at, in milliseconds. */
const FINAL_LOOK_LIMIT = 50

/**
 * The open model: a request is sent when it is due, whatever became of those before it. Requests go to the connections
 * in turn; a connection that is lost is passed over until it is made again. While all are lost, requests wait for the
 * first that is made again.
 */
export class OpenModel implements LoadModel {
  left = 0
  readonly #options: PacerOptions
  readonly #slots: ConnectionSlots
  /** Called when nothing is due any more. */
  readonly #onEnd: () => void
  readonly #timer: PreciseTimer
  /** Requests that were due while no connection was there, or whose connection was lost before they were sent. */
  readonly #unassigned = new DueQueue()
  #stats: LoadStats
  #pacer: Pacer | undefined
  /** When the schedule began, and when nothing is due any more. */
  #began = 0
  #until = 0
  /** Whose turn it is, and how many turns there were in this look at the schedule. */
  #turn = 0
  #turns = 0
  #waiting = 0
  /** Grows with whatever is sent. */
  #work = 0
  #stopped = false
  #closed = false

  /** @param work a number that is another one when something was done beside the sending */
  constructor(options: PacerOptions, slots: ConnectionSlots, stats: LoadStats, work: () => number, onEnd: () => void) {
    this.#options = options
    this.#slots = slots
    this.#stats = stats
    this.#onEnd = onEnd
    this.#timer = new PreciseTimer(
      () => this.#look(),
      () => this.#work + work(),
    )
  }

  start({ amount, until }: SendLimit, stats: LoadStats, now: number): void {
    // What the warm-up did not get to would take the load's time.
    this.#pass(now, false)
    this.#stats = stats
    this.#timer.idle = 0
    this.left = amount
    this.#until = until
    const { stages, ...steady } = this.#options
    const isStaged = stages !== undefined && stats.counts
    // A load goes on with the schedule of its warm-up, but for stages: they begin with the load.
    if (this.#pacer !== undefined && !isStaged) return
    this.#timer.close()
    this.#pacer = createPacer(isStaged ? this.#options : steady)
    this.#began = now
    this.#look()
  }

  onRoom(slot: ConnectionSlot): void {
    if (this.#unassigned.length > 0) this.#send(slot, this.#unassigned)
    if (slot.due.length > 0) this.#send(slot, slot.due)
  }

  /** What waited on the connection waits for any other one, due when it always was. */
  onLost(lost: ConnectionSlot): void {
    while (lost.due.length > 0) this.#unassigned.push(lost.due.shift())
    if (this.#unassigned.length === 0) return
    for (const slot of this.#slots.all) if (slot.isUsable) this.onRoom(slot)
  }

  stop(now: number): void {
    this.#stopped = true
    this.#until = Math.min(this.#until, now)
    this.#offerTheRest(now)
  }

  close(): void {
    this.#closed = true
    this.#timer.close()
  }

  get pending(): boolean {
    return this.#waiting > 0 || this.#mayOffer()
  }

  get waiting(): number {
    return this.#waiting
  }

  get idle(): number {
    return this.#timer.idle
  }

  /** When nothing was due any more, in milliseconds on the monotonic clock. */
  get until(): number {
    return this.#until
  }

  needs(slot: ConnectionSlot): boolean {
    if (slot.due.length > 0 || this.#unassigned.length > 0) return true
    return !this.#stopped && this.left > this.#turnsUntil(slot)
  }

  forEachWaiting(visit: (dueAt: number) => void): void {
    this.#unassigned.forEach(visit)
    for (const slot of this.#slots.all) slot.due.forEach(visit)
  }

  /** Looks at the schedule, and is called when there is something to see again. */
  #look(): void {
    if (this.#pacer === undefined || this.#closed) return
    this.#offer(performance.now())
    const next = this.#began + this.#pacer.next
    const now = performance.now()
    if (!this.#mayOffer()) this.#onEnd()
    // After being late by more than a rest there is none.
    else this.#timer.callAt(next < now - MIN_PAUSE ? now : Math.max(now + MIN_PAUSE, next))
  }

  /** Offers what was due by now and was not looked at yet; of what would take long it only counts how many. */
  #offerTheRest(now: number): void {
    const since = performance.now()
    while (this.#isDue(now) && performance.now() - since < FINAL_LOOK_LIMIT) this.#offer(now)
    this.#pass(now, true)
  }

  #mayOffer(): boolean {
    const { next = NO_LIMIT } = this.#pacer ?? {}
    return this.left > 0 && this.#began + next < this.#until
  }

  #isDue(now: number): boolean {
    return this.#mayOffer() && this.#began + (this.#pacer?.next ?? NO_LIMIT) <= now
  }

  /**
   * Counts what is due before a time, and never sends it.
   *
   * @param notReached whether that is the generator's doing, and not the server's
   */
  #pass(before: number, notReached: boolean): void {
    const pacer = this.#pacer
    if (pacer === undefined) return
    const stats = this.#stats
    const until = Math.min(before, this.#until)
    pacer.skip(this.#began, Math.min(until, stats.since), NO_LIMIT)
    const first = this.#began + pacer.next
    const passed = pacer.skip(this.#began, until, this.left)
    if (passed > 0) stats.recordUnsent(first, until, passed, notReached)
    this.left -= passed
    if (this.left === 0) this.#endSchedule()
  }

  /** Gives what is due by now to the connections, in turn, and sends it: as much of it as a turn and memory are for. */
  #offer(now: number): void {
    const pacer = this.#pacer
    if (pacer === undefined) return
    const most = Math.min(MAX_PER_TURN, MAX_WAITING - this.#waiting)
    if (most <= 0) {
      this.#pass(now, false)
      return
    }
    const { all } = this.#slots
    const first = this.#turn
    this.#turns = 0
    let count = 0
    for (; count < most && this.#isDue(now); count++) {
      const dueAt = this.#began + pacer.next
      const slot = this.#nextSlot()
      if (slot === undefined) {
        this.#unassigned.push(dueAt)
        this.#foundNoRoom(dueAt, now)
      } else {
        slot.due.push(dueAt)
        slot.fresh += 1
      }
      pacer.advance()
      // What was due in the warm-up, and was not looked at until now, is no part of an amount.
      if (dueAt < this.#stats.since) continue
      this.#stats.offered += 1
      this.left -= 1
    }
    if (this.left === 0) this.#endSchedule()
    this.#waiting += count
    const touched = Math.min(this.#turns, all.length)
    for (let i = 0; i < touched; i++) this.#sendFresh(all[(first + i) % all.length], now)
  }

  /** The connection whose turn it is; undefined when all are lost. */
  #nextSlot(): ConnectionSlot | undefined {
    const { all, usable } = this.#slots
    if (usable === 0) return undefined
    for (;;) {
      const slot = all[this.#turn]
      this.#turn = this.#turn + 1 === all.length ? 0 : this.#turn + 1
      this.#turns += 1
      if (slot.isUsable) return slot
    }
  }

  /** All of an amount was due: nothing is any more, from when the next request would have been. */
  #endSchedule(): void {
    this.#until = Math.min(this.#until, this.#began + (this.#pacer?.next ?? NO_LIMIT))
  }

  /** Sends what has just become due; what finds no room was looked at now, and waits. */
  #sendFresh(slot: ConnectionSlot, now: number): void {
    if (slot.fresh === 0) return
    this.onRoom(slot)
    const left = Math.min(slot.fresh, slot.due.length)
    for (let place = left; place > 0; place--) this.#foundNoRoom(slot.due.fromEnd(place), now)
    slot.fresh = 0
  }

  #foundNoRoom(dueAt: number, now: number): void {
    if (dueAt < this.#stats.since) return
    this.#stats.recordLag(dueAt, now - dueAt)
    this.#stats.waited += 1
  }

  /** Sends what waits in a queue on a connection, as far as that has room. */
  #send(slot: ConnectionSlot, queue: DueQueue): void {
    const stats = this.#stats
    const { length } = queue
    const waited = queue === slot.due ? length - slot.fresh : length
    const now = performance.now()
    let taken = 0
    const sent = slot.sendDue(length, () => {
      const dueAt = queue.shift()
      if (dueAt >= stats.since) {
        stats.requests += 1
        if (taken >= waited) stats.recordLag(dueAt, now - dueAt)
      }
      taken += 1
      return dueAt
    })
    stats.sent += sent
    if (sent > 0) stats.lastSentAt = now
    this.#waiting -= sent
    this.#work += 1
  }

  /** How many connections get a request before it does. */
  #turnsUntil(slot: ConnectionSlot): number {
    const { all } = this.#slots
    if (this.left >= all.length) return 0
    return (all.indexOf(slot) - this.#turn + all.length) % all.length
  }
}
