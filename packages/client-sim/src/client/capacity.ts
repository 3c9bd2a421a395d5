import type { Socket } from 'node:net'
import type { ClientLimits } from './client-options.ts'
import type { InFlight } from './in-flight.ts'
import type { Request } from './request.ts'
import { payloadLost } from './request-errors.ts'
import type { RequestQueue } from './request-queue.ts'

/** The most bytes of payload in one write, unless a single one is longer. */
const BATCH_BYTES = 16 * 1024 * 1024

/** How many requests fit into the window, and into the queue before it. */
export class Capacity {
  readonly #limits: ClientLimits
  readonly #inFlight: InFlight
  readonly #queue: RequestQueue
  readonly #socket: Socket

  constructor(limits: ClientLimits, inFlight: InFlight, queue: RequestQueue, socket: Socket) {
    this.#limits = limits
    this.#inFlight = inFlight
    this.#queue = queue
    this.#socket = socket
  }

  /** Whether `submit` accepts a request, after `others` that will be submitted before it. */
  canSubmit(size: number, others: number, otherBytes: number): boolean {
    return this.canSend(size, others, otherBytes) || this.canWait(size, others, otherBytes)
  }

  /** Whether a request will be sent in this turn. */
  canSend(size: number, others: number, otherBytes: number): boolean {
    if (this.#queue.waiting > 0 || this.#socket.writableNeedDrain) return false
    const ahead = this.#inFlight.size + this.#queue.length + others
    return ahead < this.#limits.window && this.#fitsBytes(size, ahead, this.#queue.bytes + otherBytes)
  }

  /** Whether a request may wait for the window. */
  canWait(size: number, others: number, otherBytes: number): boolean {
    const { waiting, waitingBytes } = this.#queue
    const { maxQueue, maxQueueBytes } = this.#limits
    return waiting + others < maxQueue && waitingBytes + otherBytes + size <= maxQueueBytes
  }

  /** Takes requests from the queue: as many as fit into the window and one write. */
  takeBatch(): Request[] {
    const batch: Request[] = []
    const room = this.#limits.window - this.#inFlight.size
    let bytes = 0
    for (let request = this.#queue.oldest; request !== undefined; request = this.#queue.oldest) {
      if (batch.length >= room || !this.#fitsBytes(request.size, this.#inFlight.size + batch.length, bytes)) break
      if (batch.length > 0 && bytes + request.size > BATCH_BYTES) break
      this.#queue.remove(request)
      if (request.payload.length === request.size) {
        batch.push(request)
        bytes += request.size
      } else request.fail(payloadLost())
    }
    return batch
  }

  /** @param ahead the number of requests in flight before it: a large one may go alone */
  #fitsBytes(size: number, ahead: number, bytesAhead: number): boolean {
    return ahead === 0 || this.#inFlight.bytes + bytesAhead + size <= this.#limits.windowBytes
  }
}
