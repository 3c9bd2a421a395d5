import type { Socket } from 'node:net'
import { checkTimeout, invalidOption } from '../common/check-options.ts'
import { asClientError, asSent, type ClientError } from '../common/client-error.ts'
import { bytesOf, type Payload } from '../common/payload.ts'
import { FRAME_OVERHEAD } from '../common/submit-frame.ts'
import type { AckReader } from '../connection/ack-reader.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import type { OpenConnection } from '../connection/open-connection.ts'
import type { ReadSink } from '../connection/read-sink.ts'
import { Capacity } from './capacity.ts'
import type { Client, CloseOptions, SubmitOptions } from './client.ts'
import type { ClientLimits } from './client-options.ts'
import { CloseTimers } from './close-timers.ts'
import { Deadlines } from './deadlines.ts'
import { InFlight } from './in-flight.ts'
import { ReadyWaiters } from './ready-waiters.ts'
import { Request, type RequestOwner } from './request.ts'
import * as errors from './request-errors.ts'
import { RequestQueue } from './request-queue.ts'
import { RequestSender } from './request-sender.ts'
import { SilenceTimer } from './silence-timer.ts'

/** A client on an open connection. */
export class TcpClient implements Client, RequestOwner {
  readonly closed: Promise<ClientError | undefined>
  readonly #socket: Socket
  readonly #sink: ReadSink
  readonly #reader: AckReader
  readonly #limits: ClientLimits
  readonly #inFlight: InFlight
  readonly #queue = new RequestQueue()
  readonly #capacity: Capacity
  readonly #ready: ReadyWaiters
  readonly #deadlines = new Deadlines()
  readonly #silence: SilenceTimer
  readonly #sender: RequestSender
  readonly #closeTimers = new CloseTimers()
  #state: 'open' | 'closing' | 'closed' = 'open'
  /** Whether the server has sent anything. */
  #hasReceived: boolean
  #error: ClientError | undefined

  constructor({ socket, sink, reader, lastSerial }: OpenConnection, limits: ClientLimits) {
    this.#socket = socket
    this.#sink = sink
    this.#reader = reader
    this.#limits = limits
    this.#inFlight = new InFlight(lastSerial)
    this.#hasReceived = lastSerial > 0
    this.#capacity = new Capacity(limits, this.#inFlight, this.#queue, socket)
    this.#ready = new ReadyWaiters(this.#capacity)
    this.#silence = new SilenceTimer(limits.silenceTimeout, () => {
      this.#fail(errors.silent(limits.silenceTimeout, this.#inFlight.size))
    })
    const sending = {
      failed: (error: unknown) => this.#fail(asClientError(error)),
      flushed: () => this.#flushed(),
      giveUp: (request: Request, reason: unknown) => this.giveUp(request, reason),
    }
    this.#sender = new RequestSender(socket, this.#capacity, this.#inFlight, this.#silence, sending)
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#hasClosed())))
    sink.receive = (chunk) => this.#receive(chunk)
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (cause) => this.#fail(this.#lost(cause)))
  }

  get alive(): boolean {
    return this.#state === 'open' && !this.#socket.destroyed
  }

  get inFlight(): number {
    return this.#inFlight.size
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
    if (!this.alive) throw this.#error ?? errors.alreadyClosed()
    if (!(size >= 0)) throw invalidOption('size', size, '0 or more bytes')
    await this.#ready.wait(size)
  }

  async close({ timeout = 0 }: CloseOptions = {}): Promise<void> {
    checkTimeout(timeout)
    if (this.#state !== 'closed') {
      this.#state = 'closing'
      this.#ready.rejectAll(errors.alreadyClosed())
      if (timeout > 0) this.#closeTimers.limit(timeout, this.#closeNow)
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
    this.giveUp(request, errors.timedOut(request, this.#inFlight))
  }

  /** Rejects a request. If it was sent it stays in flight until its answer comes. */
  giveUp(request: Request, reason: unknown): void {
    if (request.settled) return
    if (request.sent) this.#inFlight.abandoned += 1
    else this.#queue.remove(request)
    request.fail(reason)
    this.#ready.admit()
    this.#endWhenDone()
  }

  #submit(payload: Payload, { signal, timeout = this.#limits.timeout, onSent }: SubmitOptions): Promise<number> {
    if (!this.alive) throw this.#error ?? errors.alreadyClosed()
    if (signal?.aborted) throw signal.reason
    checkTimeout(timeout)
    const bytes = bytesOf(payload)
    const longest = this.#limits.maxFrameLength - FRAME_OVERHEAD
    if (bytes.length > longest) throw errors.payloadTooLong(bytes.length, longest)
    const waits = !this.#capacity.canSend(bytes.length, 0, 0)
    if (waits && !this.#capacity.canWait(bytes.length, 0, 0)) throw errors.queueFull(this.#queue, this.#limits)
    return new Promise((resolve, reject) => {
      const request = new Request(this, bytes, timeout, signal, onSent, resolve, reject)
      request.waits = waits
      if (timeout > 0) this.#deadlines.add(request, timeout)
      this.#queue.add(request)
      this.#ready.submitted(request.size)
      this.#sender.schedule()
    })
  }

  #flushed(): void {
    this.#ready.admit()
    this.#endWhenDone()
  }

  #receive(chunk: Uint8Array): void {
    this.#hasReceived = true
    const reader = this.#reader
    try {
      reader.push(chunk)
      for (let ack = reader.next(); ack !== undefined; ack = reader.next()) this.#inFlight.answered(ack)
    } catch (error) {
      this.#fail(asClientError(error))
      return
    }
    if (this.#inFlight.size > 0) this.#silence.refresh()
    else this.#silence.stop()
    if (this.#queue.length > 0) this.#sender.schedule()
    else this.#ready.admit()
    this.#endWhenDone()
  }

  /** The system has taken all that was written. */
  #drained(): void {
    this.#silence.refresh()
    this.#sender.schedule()
  }

  #endWhenDone(): void {
    if (this.#state !== 'closing' || this.#awaitsAnswers()) return
    this.#socket.end()
    this.#closeTimers.linger(this.#limits.timeout, () => this.#socket.destroy())
  }

  readonly #closeNow = (timeout: number): void => {
    if (this.#awaitsAnswers()) this.#fail(errors.closeTimedOut(timeout))
    else this.#socket.destroy()
  }

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
    return this.#queue.length > 0 || this.#inFlight.awaited
  }

  #lost(cause?: Error): ClientError {
    return connectionLost({ socket: this.#socket, cause, hasReceived: this.#hasReceived })
  }

  /** Destroys the connection, and rejects all pending requests. */
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
    this.#sink.receive = () => {}
    this.#closeTimers.stop()
    this.#silence.stop()
    this.#queue.failAll(error)
    this.#inFlight.failAll(() => asSent(error, '; it is unknown whether the server handled the request'))
    this.#ready.rejectAll(this.#error ?? errors.alreadyClosed())
  }
}
