import type { ConnectionSlot } from './connection-slot.ts'
import type { ConnectionSlots } from './connection-slots.ts'
import { DueQueue } from './due-queue.ts'
import type { LoadStats } from './load-stats.ts'

/**
 * The requests of the open model that are due and not sent yet. They are assigned to the connections in turn, and wait
 * there for room. While all connections are lost, they wait for the first that is open again.
 */
export class DueRequests {
  /** How many wait. */
  waiting = 0
  /** Increases with each attempt to send. */
  attempts = 0
  stats: LoadStats
  readonly #slots: ConnectionSlots
  /** Requests that became due while all connections were lost, or whose connection was lost before they were sent. */
  readonly #unassigned = new DueQueue()
  /** The slot whose turn it is, and where the present round began. */
  #turn = 0
  #firstTurn = 0
  /** How many slots had their turn in the present round. */
  #turns = 0

  constructor(slots: ConnectionSlots, stats: LoadStats) {
    this.#slots = slots
    this.stats = stats
  }

  /** Begins a round: what is assigned until `endRound` is sent together. */
  beginRound(): void {
    this.#firstTurn = this.#turn
    this.#turns = 0
  }

  /** The slot whose turn it is; undefined when all are lost. */
  nextSlot(): ConnectionSlot | undefined {
    const { all, usable } = this.#slots
    if (usable === 0) return undefined
    for (;;) {
      const slot = all[this.#turn]
      this.#turn = this.#turn + 1 === all.length ? 0 : this.#turn + 1
      this.#turns += 1
      if (slot?.isUsable) return slot
    }
  }

  addUnassigned(dueAt: number, now: number): void {
    this.#unassigned.push(dueAt)
    this.#foundNoRoom(dueAt, now)
  }

  /** Sends what the round assigned. @param count how many requests became due in it */
  endRound(count: number, now: number): void {
    this.waiting += count
    const { all } = this.#slots
    const touched = Math.min(this.#turns, all.length)
    for (let i = 0; i < touched; i++) {
      const slot = all[(this.#firstTurn + i) % all.length]
      if (slot !== undefined && slot.fresh > 0) this.#sendFresh(slot, now)
    }
  }

  /** Sends what waits, as far as a connection has room. */
  send(slot: ConnectionSlot): void {
    if (this.#unassigned.length > 0) this.#sendFrom(slot, this.#unassigned)
    if (slot.due.length > 0) this.#sendFrom(slot, slot.due)
  }

  /** Requests that waited on a lost connection go to any other one, with their due times unchanged. */
  reassign(lost: ConnectionSlot): void {
    while (lost.due.length > 0) this.#unassigned.push(lost.due.shift())
    if (this.#unassigned.length === 0) return
    for (const slot of this.#slots.all) if (slot.isUsable) this.send(slot)
  }

  /** Whether requests wait that this slot can send. */
  waitFor(slot: ConnectionSlot): boolean {
    return slot.due.length > 0 || this.#unassigned.length > 0
  }

  /** How many slots have their turn before this one. */
  turnsUntil(slot: ConnectionSlot): number {
    const { all } = this.#slots
    return (all.indexOf(slot) - this.#turn + all.length) % all.length
  }

  /** Calls for each request that waits, with when it was due. */
  forEach(visit: (dueAt: number) => void): void {
    this.#unassigned.forEach(visit)
    for (const slot of this.#slots.all) slot.due.forEach(visit)
  }

  /** Sends what has just become due. What finds no room counts as looked at now, and waits. */
  #sendFresh(slot: ConnectionSlot, now: number): void {
    this.send(slot)
    const left = Math.min(slot.fresh, slot.due.length)
    for (let place = left; place > 0; place--) this.#foundNoRoom(slot.due.fromEnd(place), now)
    slot.fresh = 0
  }

  #foundNoRoom(dueAt: number, now: number): void {
    if (dueAt < this.stats.since) return
    this.stats.recordLag(dueAt, now - dueAt)
    this.stats.waited += 1
  }

  #sendFrom(slot: ConnectionSlot, queue: DueQueue): void {
    const { stats } = this
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
    this.waiting -= sent
    this.attempts += 1
  }
}
