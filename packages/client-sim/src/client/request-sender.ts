import type { Socket } from 'node:net'
import { FRAME_OVERHEAD } from '../common/submit-frame.ts'
import type { Capacity } from './capacity.ts'
import type { InFlight } from './in-flight.ts'
import type { Request } from './request.ts'
import { RequestFrames } from './request-frames.ts'
import type { SilenceTimer } from './silence-timer.ts'

/** What a {@link RequestSender} calls. */
export interface SenderCallbacks {
  /** The connection cannot be used any longer. */
  failed(error: unknown): void
  /** Called after each flush: there may be room for more requests. */
  flushed(): void
  /** One request failed. */
  giveUp(request: Request, reason: unknown): void
}

/** Sends queued requests: all of one turn of the event loop in one write, as far as the window has room. */
export class RequestSender {
  readonly #socket: Socket
  readonly #capacity: Capacity
  readonly #inFlight: InFlight
  readonly #silence: SilenceTimer
  readonly #callbacks: SenderCallbacks
  #scheduled = false

  constructor(
    socket: Socket,
    capacity: Capacity,
    inFlight: InFlight,
    silence: SilenceTimer,
    callbacks: SenderCallbacks,
  ) {
    this.#socket = socket
    this.#capacity = capacity
    this.#inFlight = inFlight
    this.#silence = silence
    this.#callbacks = callbacks
  }

  /** Sends at the end of this turn. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    try {
      // Not writable: destroyed, or our side has ended.
      while (this.#socket.writable && !this.#socket.writableNeedDrain) {
        const batch = this.#capacity.takeBatch()
        if (batch.length === 0) break
        this.#send(batch)
      }
    } catch (error) {
      this.#callbacks.failed(error)
    }
    this.#callbacks.flushed()
  }

  /** Sends requests in one write. */
  #send(batch: readonly Request[]): void {
    const frames = RequestFrames.of(batch)
    if (frames === undefined) return
    const serials = batch.map((request) => {
      const serial = this.#inFlight.add(request)
      frames.add(serial, request.payload)
      return serial
    })
    this.#silence.start()
    this.#socket.write(frames.bytes)
    for (const [i, serial] of serials.entries()) {
      const request = batch[i]
      if (request?.onSent !== undefined) this.#reportSent(request, serial)
    }
  }

  #reportSent(request: Request, serial: number): void {
    try {
      request.onSent?.(String(serial).padStart(8, '0'), request.size + FRAME_OVERHEAD)
    } catch (error) {
      // A fault of its caller: it fails this request only.
      this.#callbacks.giveUp(request, error)
    }
  }
}
