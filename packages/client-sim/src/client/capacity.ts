import type { Socket } from 'node:net'
import type { ClientLimits } from './client-options.ts'
import type { InFlight } from './in-flight.ts'
import type { Request } from './request.ts'
import { payloadLost } from './request-errors.ts'
import type { RequestQueue } from './request-queue.ts'

/** The most bytes of payload in one write, unless a single one is longer. */
const BATCH_BYTES = 16 * 1024 * 1024

/** What there is room for: in the window, and in the queue before it. */
export class Room {
  readonly #limits: ClientLimits
  readonly #sent: InFlight
  readonly #queue: RequestQueue
  readonly #socket: Socket

  constructor(limits: ClientLimits, sent: InFlight, queue: RequestQueue, socket: Socket) {
    this.#limits = limits
    this.#sent = sent
    this.#queue = queue
    this.#socket = socket
  }

  /** Whether a request can be submitted, after so many others that are submitted before it. */
  toSubmit(size: number, others: number, otherBytes: number): boolean {
    return this.toSend(size, others, otherBytes) || this.toWait(size, others, otherBytes)
  }

  /** Whether a request is sent in this turn. */
  toSend(size: number, others: number, otherBytes: number): boolean {
    if (this.#queue.waiting > 0 || this.#socket.writableNeedDrain) return false
    const ahead = this.#sent.size + this.#queue.length + others
    return ahead < this.#limits.window && this.#fitsBytes(size, ahead, this.#queue.bytes + otherBytes)
  }

  /** Whether a request may wait for the window. */
  toWait(size: number, others: number, otherBytes: number): boolean {
    const { waiting, waitingBytes } = this.#queue
    const { maxQueue, maxQueueBytes } = this.#limits
    return waiting + others < maxQueue && waitingBytes + otherBytes + size <= maxQueueBytes
  }

  /** Takes from the queue what the window and one write have room for. */
  takeBatch(): Request[] {
    const batch: Request[] = []
    const room = this.#limits.window - this.#sent.size
    let bytes = 0
    for (let request = this.#queue.oldest; request !== undefined; request = this.#queue.oldest) {
      if (batch.length >= room || !this.#fitsBytes(request.size, this.#sent.size + batch.length, bytes)) break
      if (batch.length > 0 && bytes + request.size > BATCH_BYTES) break
      this.#queue.remove(request)
      if (request.payload.length === request.size) {
        batch.push(request)
        bytes += request.size
      } else request.fail(payloadLost())
    }
    return batch
  }

  /** @param ahead how many requests are in flight before it; a large one may go alone */
  #fitsBytes(size: number, ahead: number, bytesAhead: number): boolean {
    return ahead === 0 || this.#sent.bytes + bytesAhead + size <= this.#limits.windowBytes
  }
}
