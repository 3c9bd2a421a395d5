import type { Socket } from 'node:net'
import { checkTimeout } from '../common/check-options.ts'
import { asClientError, asSent, type ClientError } from '../common/client-error.ts'
import { bytesOf, type Payload } from '../common/payload.ts'
import type { AckReader } from '../connection/ack-reader.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import type { Inlet } from '../connection/open-socket.ts'
import { Room } from './capacity.ts'
import type { Client, CloseOptions, SubmitOptions } from './client.ts'
import type { ClientLimits } from './client-options.ts'
import { Closing } from './close-timers.ts'
import { Deadlines } from './deadlines.ts'
import { InFlight } from './in-flight.ts'
import { ReadyWaiters } from './ready-waiters.ts'
import { Request, type RequestOwner } from './request.ts'
import * as errors from './request-errors.ts'
import { FRAME_OVERHEAD, RequestFrames } from './request-frames.ts'
import { RequestQueue } from './request-queue.ts'
import { Silence } from './silence-timer.ts'

/** A client on a socket that is open, and let in. */
export class TcpClient implements Client, RequestOwner {
  readonly closed: Promise<ClientError | undefined>
  readonly #socket: Socket
  readonly #inlet: Inlet
  readonly #reader: AckReader
  readonly #limits: ClientLimits
  readonly #sent: InFlight
  readonly #queue = new RequestQueue()
  readonly #room: Room
  readonly #ready: ReadyWaiters
  readonly #deadlines = new Deadlines()
  readonly #silence: Silence
  readonly #closing = new Closing()
  #state: 'open' | 'closing' | 'closed' = 'open'
  #flushScheduled = false
  /** Whether the server has sent anything. */
  #heard: boolean
  #error: ClientError | undefined

  /** @param lastSerial the serial number of the request sent last, 0 if there was none */
  constructor(socket: Socket, inlet: Inlet, reader: AckReader, limits: ClientLimits, lastSerial: number) {
    this.#socket = socket
    this.#inlet = inlet
    this.#reader = reader
    this.#limits = limits
    this.#sent = new InFlight(lastSerial)
    this.#heard = lastSerial > 0
    this.#room = new Room(limits, this.#sent, this.#queue, socket)
    this.#ready = new ReadyWaiters(this.#room)
    this.#silence = new Silence(limits.silenceTimeout, () => {
      this.#fail(errors.silent(limits.silenceTimeout, this.#sent.size))
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#hasClosed())))
    inlet.receive = (chunk) => this.#receive(chunk)
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (cause) => this.#fail(this.#lost(cause)))
  }

  get alive(): boolean {
    return this.#state === 'open' && !this.#socket.destroyed
  }

  get inFlight(): number {
    return this.#sent.size
  }

  get queued(): number {
    return this.#queue.length
  }

  submit(payload: Payload, options: SubmitOptions = {}): Promise<number> {
    try {
      return this.#submit(payload, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async ready(size = 0): Promise<void> {
    if (!this.alive) throw this.#error ?? errors.closedBefore()
    if (!(size >= 0)) throw new RangeError(`size is ${size}; it must be 0 or more bytes`)
    await this.#ready.wait(size)
  }

  async close({ timeout = 0 }: CloseOptions = {}): Promise<void> {
    checkTimeout(timeout)
    if (this.#state !== 'closed') {
      this.#state = 'closing'
      this.#ready.rejectAll(errors.closedBefore())
      if (timeout > 0) this.#closing.within(timeout, this.#closeNow)
      this.#endWhenDone()
    }
    await this.closed
  }

  destroy(reason?: Error): void {
    this.#fail(errors.destroyed(reason))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  timedOut(request: Request): void {
    this.giveUp(request, errors.timedOut(request, this.#sent))
  }

  /** The caller no longer waits; if it was sent, its answer may still come. */
  giveUp(request: Request, reason: unknown): void {
    if (request.settled) return
    if (request.sent) this.#sent.abandoned += 1
    else this.#queue.remove(request)
    request.fail(reason)
    this.#ready.admit()
    this.#endWhenDone()
  }

  #submit(payload: Payload, { signal, timeout = this.#limits.timeout, onSent }: SubmitOptions): Promise<number> {
    if (!this.alive) throw this.#error ?? errors.closedBefore()
    if (signal?.aborted) throw signal.reason
    checkTimeout(timeout)
    const bytes = bytesOf(payload)
    const longest = this.#limits.maxFrameLength - FRAME_OVERHEAD
    if (bytes.length > longest) throw errors.payloadTooLong(bytes.length, longest)
    const waits = !this.#room.toSend(bytes.length, 0, 0)
    if (waits && !this.#room.toWait(bytes.length, 0, 0)) throw errors.queueFull(this.#queue, this.#limits)
    return new Promise((resolve, reject) => {
      const request = new Request(this, bytes, timeout, signal, onSent, resolve, reject)
      request.waits = waits
      if (timeout > 0) this.#deadlines.add(request, timeout)
      this.#queue.add(request)
      this.#ready.submitted(request.size)
      this.#scheduleFlush()
    })
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    try {
      while (this.#state !== 'closed' && this.#socket.writable && !this.#socket.writableNeedDrain) {
        const batch = this.#room.takeBatch()
        if (batch.length === 0) break
        this.#send(batch)
      }
    } catch (error) {
      this.#fail(asClientError(error))
    }
    this.#ready.admit()
    this.#endWhenDone()
  }

  /** Sends requests in one write. */
  #send(batch: readonly Request[]): void {
    const frames = RequestFrames.of(batch)
    if (frames === undefined) return
    const serials = batch.map((request) => {
      const serial = this.#sent.add(request)
      frames.add(serial, request.payload)
      return serial
    })
    this.#silence.begin()
    this.#socket.write(frames.bytes)
    for (const [i, request] of batch.entries()) {
      if (request.onSent !== undefined) this.#tellSent(request, serials[i])
    }
  }

  #tellSent(request: Request, serial: number): void {
    try {
      request.onSent?.(String(serial).padStart(8, '0'), request.size + FRAME_OVERHEAD)
    } catch (error) {
      // Its caller's own mistake: the others, and the connection, do not feel it.
      this.giveUp(request, error)
    }
  }

  #receive(chunk: Uint8Array): void {
    this.#heard = true
    const reader = this.#reader
    try {
      reader.push(chunk)
      for (let ack = reader.next(); ack !== undefined; ack = reader.next()) this.#sent.answered(ack)
    } catch (error) {
      this.#fail(asClientError(error))
      return
    }
    if (this.#sent.size > 0) this.#silence.broken()
    else this.#silence.end()
    if (this.#queue.length > 0) this.#scheduleFlush()
    else this.#ready.admit()
    this.#endWhenDone()
  }

  /** The system has taken all that was written. */
  #drained(): void {
    this.#silence.broken()
    this.#scheduleFlush()
  }

  #endWhenDone(): void {
    if (this.#state !== 'closing' || this.#awaitsAnswers()) return
    this.#socket.end()
    this.#closing.linger(this.#limits.timeout, () => this.#socket.destroy())
  }

  readonly #closeNow = (timeout: number): void => {
    if (this.#awaitsAnswers()) this.#fail(errors.closedInTime(timeout))
    else this.#socket.destroy()
  }

  /** No more answers will come. */
  #serverEnded(): void {
    try {
      this.#reader.finish()
    } catch (error) {
      this.#fail(asClientError(error))
      return
    }
    const lost = this.#lost()
    if (this.#awaitsAnswers() || lost.code === 'ERR_CLIENT_CERTIFICATE') {
      this.#fail(lost)
      return
    }
    this.#state = 'closing'
    this.#socket.destroySoon()
  }

  #awaitsAnswers(): boolean {
    return this.#queue.length > 0 || this.#sent.awaited
  }

  #lost(cause?: Error): ClientError {
    return connectionLost({ socket: this.#socket, cause, heard: this.#heard })
  }

  /** Ends the connection now, and all that is pending. */
  #fail(error: ClientError): void {
    if (this.#state === 'closed') return
    this.#error = error
    this.#socket.destroy()
    this.#finish(error)
  }

  #hasClosed(): ClientError | undefined {
    if (this.#state !== 'closed') this.#finish(this.#lost())
    return this.#error
  }

  #finish(error: ClientError): void {
    this.#state = 'closed'
    this.#inlet.receive = () => {}
    this.#closing.stop()
    this.#silence.end()
    this.#queue.failAll(error)
    this.#sent.failAll(() => asSent(error, '; whether the request was done is not known'))
    this.#ready.rejectAll(this.#error ?? errors.closedBefore())
  }
}
