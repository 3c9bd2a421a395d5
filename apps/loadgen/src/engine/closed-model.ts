import type { ConnectionSlot } from './connection-slot.ts'
import type { ConnectionSlots } from './connection-slots.ts'
import type { LoadModel, SendLimit } from './load-model.ts'
import type { LoadStats } from './load-stats.ts'

/** The closed model: a request is sent as soon as a connection has room for it. */
export class ClosedModel implements LoadModel {
  readonly waiting = 0
  readonly idle = 0
  left = 0
  readonly #slots: ConnectionSlots
  readonly #reconnectEvery: number
  #stats: LoadStats
  #stopped = false

  constructor(slots: ConnectionSlots, stats: LoadStats, reconnectEvery: number) {
    this.#slots = slots
    this.#stats = stats
    this.#reconnectEvery = reconnectEvery
  }

  start({ amount }: SendLimit, stats: LoadStats): void {
    this.left = amount
    this.#stats = stats
    for (const slot of this.#slots.all) this.onRoom(slot)
  }

  onRoom(slot: ConnectionSlot): void {
    if (this.left === 0) return
    const sent = slot.sendNow(this.left)
    this.left -= sent
    this.#stats.requests += sent
    this.#stats.sent += sent
  }

  onLost(): void {}

  stop(): void {
    this.#stopped = true
    this.left = 0
  }

  close(): void {}

  get pending(): boolean {
    return this.left > 0
  }

  needs(): boolean {
    return !this.#stopped && this.left > this.#capacity()
  }

  forEachWaiting(): void {}

  /** How many requests all usable connections can send before one of them is renewed. */
  #capacity(): number {
    const { all } = this.#slots
    // Far from the end of the load, skip the sum.
    if (this.left === Number.POSITIVE_INFINITY || this.left > all.length * this.#reconnectEvery) return 0
    let capacity = 0
    for (const slot of all) if (slot.isUsable) capacity += slot.capacity
    return capacity
  }
}
