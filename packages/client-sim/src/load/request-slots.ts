import { ID_COUNT } from '@demo/packet'

// Slots are always within the arrays, so an element is a number: `as number` costs nothing on the path of a packet.

/** No request: what a free slot holds, and what `release` returns for an unknown serial number. */
export const NO_SLOT = -1

/** A request that is older than the request in its slot. */
interface Straggler {
  readonly sentAt: number
  readonly dueAt: number
}

/**
 * The requests of one connection that are not answered, in slots by serial number. A request costs no object. Times are in
 * milliseconds on the monotonic clock.
 */
export class RequestSlots {
  /** When the request in each slot was sent. */
  readonly sentAt: Float64Array
  /** When it was due. The same array until {@link keepDueTimes} is called: most loads have no due times. */
  dueAt: Float64Array
  /** The serial number in each slot: the slot is the serial number modulo the number of slots. */
  readonly #serials: Int32Array
  /** The slot of the next answer, if answers come in order. */
  #nextSlot = 0
  /** Requests without an answer whose slot a younger one has taken, by serial number. */
  readonly #stragglers = new Map<number, Straggler>()
  /** The serial number of the request sent last. */
  #lastSerial: number

  /**
   * @param window the most requests in flight
   * @param lastSerial the serial number of the request sent last, 0 if there was none
   */
  constructor(window: number, lastSerial: number) {
    const slots = slotCount(window)
    this.#serials = new Int32Array(slots).fill(NO_SLOT)
    this.sentAt = new Float64Array(slots)
    this.dueAt = this.sentAt
    this.#lastSerial = lastSerial
  }

  /** From now on requests are added by {@link addDue}. */
  keepDueTimes(): void {
    if (this.dueAt === this.sentAt) this.dueAt = new Float64Array(this.sentAt.length)
  }

  addDue(serial: number, sentAt: number, dueAt: number): void {
    this.add(serial, sentAt)
    this.dueAt[serial % this.#serials.length] = dueAt
  }

  add(serial: number, sentAt: number): void {
    const slot = serial % this.#serials.length
    const older = this.#serials[slot] as number
    if (older !== NO_SLOT) {
      this.#stragglers.set(older, { sentAt: this.sentAt[slot] as number, dueAt: this.dueAt[slot] as number })
    }
    this.#serials[slot] = serial
    this.sentAt[slot] = sentAt
    this.#lastSerial = serial
  }

  /** Frees the slot of a request. Its times stay readable until another request is added. */
  release(serial: number): number {
    const slots = this.#serials.length
    // Answers usually come in order: then there is no division.
    const slot = this.#serials[this.#nextSlot] === serial ? this.#nextSlot : serial % slots
    if (serial < 0 || this.#serials[slot] !== serial) return NO_SLOT
    this.#serials[slot] = NO_SLOT
    this.#nextSlot = slot + 1 === slots ? 0 : slot + 1
    return slot
  }

  /** Removes a request that has no slot; undefined if there is none with this serial number. */
  takeStraggler(serial: number): Straggler | undefined {
    const straggler = this.#stragglers.get(serial)
    if (straggler !== undefined) this.#stragglers.delete(serial)
    return straggler
  }

  /**
   * Whether a request had this serial number, at most half a round ago: serial numbers repeat.
   *
   * @param sent the number of requests that were sent
   */
  wasSent(serial: number, sent: number): boolean {
    const back = (this.#lastSerial - serial + ID_COUNT) % ID_COUNT
    return serial >= 0 && back < Math.min(sent, ID_COUNT / 2)
  }

  forEach(visit: (dueAt: number, sentAt: number) => void): void {
    for (let slot = 0; slot < this.#serials.length; slot++) {
      if (this.#serials[slot] !== NO_SLOT) visit(this.dueAt[slot] as number, this.sentAt[slot] as number)
    }
    for (const { dueAt, sentAt } of this.#stragglers.values()) visit(dueAt, sentAt)
  }
}

/**
 * At least one slot for each request of the window, and a divisor of the number of IDs. So neighbours stay neighbours where
 * IDs repeat, and requests that are answered in order never need the same slot.
 */
function slotCount(window: number): number {
  let slots = window
  while (ID_COUNT % slots !== 0) slots += 1
  return slots
}
