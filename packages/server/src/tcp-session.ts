import type { X509Certificate } from 'node:crypto'
import { FrameDecoder, FrameError } from '@demo/frame'
import { CommandId, type ConnView, type PacketCodec, PacketError, type PacketView, type SubmitView } from '@demo/packet'
import type { CloseReason } from './close-reason.ts'
import { type PassedLimit, SessionDeadlines } from './deadlines.ts'
import { type HandlerCaller, type HandlerOutcome, isThenable, notAResult, type Result, resultOf } from './handlers.ts'
import { InFlight, nameOfHandler } from './in-flight.ts'
import { Inbound, type InboundContext } from './inbound.ts'
import type { CheckedOptions } from './options.ts'
import { Outbound, type Scratch } from './outbound.ts'
import type { Session, SessionState } from './session.ts'
import type { Connection, ConnectionEvents } from './transport/connection.ts'

/** The longest frame of a peer that has not authenticated where it must, in bytes. */
const MAX_FRAME_LENGTH_BEFORE_CONN = 4096

/** What a session needs of its server. */
export interface SessionContext<Data> extends InboundContext {
  readonly options: CheckedOptions
  readonly codec: PacketCodec
  readonly handlers: HandlerCaller<Data>
  readonly scratch: Scratch
  forget(session: TcpSession<Data>): void
}

/**
 * One connection: bytes in, frames, packets, handlers, acks out. It decides what happens to a socket, and knows nothing
 * of bytes.
 */
export class TcpSession<Data> implements Session<Data>, ConnectionEvents {
  readonly id: number
  data: Data | undefined = undefined
  /** Whether it counts among the connections of its address. */
  counted = false

  readonly #context: SessionContext<Data>
  readonly #connection: Connection
  readonly #decoder: FrameDecoder
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #deadlines: SessionDeadlines
  readonly #inFlight: InFlight

  #state: SessionState = 'opening'
  /** Whether a Conn must succeed before anything else. */
  #locked: boolean
  #conn: 'none' | 'pending' | 'accepted' | 'refused' = 'none'
  /**
   * Whether one more request may be taken now; {@link #mayTake} as of the last change. After the loop that takes them:
   * whether it took all that came whole.
   */
  #taking = false
  /** Until when there is nothing to look at, as long as no more bytes have come than these. */
  #restsUntil = 0
  #bytesAtRest = 0
  #peerEnded = false
  #reason: CloseReason | undefined
  #error: Error | undefined
  #requests = 0
  /** When the requests being taken were read; 0 until somebody wants to know. */
  #readAt = 0
  #abort: AbortController | undefined

  constructor(id: number, connection: Connection, context: SessionContext<Data>) {
    const { options, codec, scratch, counters } = context
    this.id = id
    this.#context = context
    this.#locked = options.requireConn
    this.#connection = connection
    this.#decoder = new FrameDecoder({
      maxFrameLength: options.requireConn
        ? Math.min(options.maxFrameLength, MAX_FRAME_LENGTH_BEFORE_CONN)
        : options.maxFrameLength,
    })
    this.#inbound = new Inbound(connection, context, this)
    this.#outbound = new Outbound(connection, codec, scratch, counters, options.maxWriteBuffer)
    this.#inFlight = new InFlight(options.handlerTimeout, counters, {
      settled: (soon) => (soon ? process.nextTick(() => this.work()) : context.turns.wake(this)),
      failed: (error) => context.handlers.error(error, this),
      overran: (error) => this.#abortHandlers(error),
    })
    this.#deadlines = new SessionDeadlines(options)
    connection.attach(this)
  }

  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#connection.remotePort
  }

  get state(): SessionState {
    return this.#state
  }

  get authenticated(): boolean {
    return this.#conn === 'accepted'
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get requests(): number {
    return this.#requests
  }

  get receivedBytes(): number {
    return this.#inbound.receivedBytes
  }

  get sentBytes(): number {
    return this.#outbound.handedBytes
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.#connection.peerCertificate
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#state === 'closed') this.#abort.abort()
    return this.#abort.signal
  }

  close(): void {
    if (this.#state === 'opening') this.destroy('handler-closed')
    else this.#stop('handler-closed')
  }

  /** Begins to read frames. */
  open(): void {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#connection.open()
    if (!this.#context.handlers.open(this)) this.#stop('handler-closed')
  }

  /** Closes at once; whatever was not answered stays so. The reason is this one, unless there was one before. */
  destroy(reason: CloseReason, error?: Error): void {
    if (this.#reason === undefined || this.#reason === 'draining') {
      this.#reason = reason
      this.#error = error
    }
    this.#connection.destroy()
  }

  /**
   * Answers what was received, and closes. Not to be called from within a handler: it fills the scratch.
   */
  drain(): void {
    if (this.#state === 'opening') this.destroy('draining')
    if (this.#state !== 'open') return
    this.#inbound.pause()
    // What was read already counts as received.
    this.#connection.deliverBuffered()
    if (this.#state !== 'open') return
    this.#state = 'finishing'
    this.#reason = 'draining'
    this.work()
  }

  /** How many requests were received and not answered, those included that were not taken. Only before `destroy()`. */
  countUnanswered(): number {
    let untaken = 0
    try {
      while (this.#state === 'finishing' && this.#decoder.next()) untaken += 1
    } catch {
      // What comes after is no frame.
    }
    return this.#inFlight.unanswered + untaken
  }

  /** Whether closing it now would lose an answer. */
  get owesAnswers(): boolean {
    if (this.#state === 'opening') return false
    return this.#state !== 'lingering' || this.#outbound.unsentBytes > 0
  }

  /** Closes what has taken too long. `now` is in milliseconds on the monotonic clock. */
  sweep(now: number): void {
    const open = this.#state === 'open'
    if (open && now < this.#restsUntil && this.receivedBytes === this.#bytesAtRest) return
    this.#inFlight.giveUpOverdue(now)
    const passed = this.#deadlines.check(
      {
        shakesHands: this.#state === 'opening' || (open && this.#locked),
        framesTaken: this.#requests,
        insideFrame: open && !this.#inbound.paused && this.#decoder.insideFrame,
        receivedBytes: this.receivedBytes,
        waits: open && this.#inbound.waitsForTurn,
        inFlight: this.#inFlight.size,
        sentBytes: this.#outbound.sentBytes,
        unsentBytes: this.#outbound.unsentBytes,
        ended: this.#state === 'lingering' && this.#outbound.unsentBytes === 0,
      },
      now,
    )
    if (passed !== undefined) this.#outOfTime(passed)
    else if (open && !this.#locked) this.#restIfIdle()
  }

  #outOfTime(limit: PassedLimit): void {
    if (limit === 'lingered') this.#connection.destroy()
    else if (limit === 'write-timeout' || this.#state === 'opening') this.destroy(limit)
    else {
      this.#stop(limit)
      // Whoever decides on the Conn has only as long as the peer had for it.
      if (this.#conn === 'pending') this.#inFlight.giveUpConn(this.#context.options.handshakeTimeout)
    }
  }

  /** A session that is idle is not looked at again, unless something comes: that is most of them, most of the time. */
  #restIfIdle(): void {
    if (this.#inFlight.size > 0 || this.#outbound.unsentBytes > 0 || this.#decoder.insideFrame) return
    this.#restsUntil = this.#deadlines.idleDeadline
    this.#bytesAtRest = this.receivedBytes
  }

  /** Everything that can be done now: answer what has settled, take what was received, send, and move on. */
  work(): void {
    if (this.#inFlight.unanswered > 0) this.#answerSettled()
    this.#takeRequests()
    this.#outbound.flush()
    this.#moveOn()
  }

  /** Reads on after a rest. */
  readOn(): void {
    this.#inbound.readOn()
  }

  /** Bytes have come. `lent`: they are valid until this returns. */
  onBytes(chunk: Uint8Array, lent: boolean): void {
    this.#inbound.count(chunk.length)
    if (this.#state !== 'open') return
    const now = this.#inbound.hasTurn(chunk, this.#requests)
    const decoder = this.#decoder
    decoder.push(lent && !now ? Buffer.from(chunk) : chunk)
    if (!now) return
    this.work()
    if (lent && !this.#taking) decoder.detach()
  }

  #takeRequests(): void {
    const { codec, counters, handlers, options } = this.#context
    const { observer } = options
    const decoder = this.#decoder
    const outbound = this.#outbound
    const inFlightBefore = this.#inFlight.size
    let taken = 0
    this.#readAt = observer.answered === undefined ? 0 : performance.now()
    this.#taking = this.#mayTake()
    try {
      // The path of every packet. It is kept so small that the compiler makes one piece of machine code of it, codec
      // and decoder included; bench/session.bench.ts shows what a call more costs.
      while (this.#taking && decoder.next()) {
        const packet = codec.decode(decoder.bytes, decoder.start, decoder.end)
        if (packet.command === CommandId.Submit && !this.#locked) {
          const outcome = handlers.submit(packet, this)
          if (outcome === undefined || outcome === 0) {
            if (outbound.ack(packet, 0)) this.#flushEarly()
          } else this.#answerOtherwise(packet, outcome)
        } else this.#takeOther(packet)
        taken += 1
      }
    } catch (error) {
      this.#fail(error as Error)
    }
    this.#requests += taken
    counters.requestsReceived += taken
    const answered = taken - (this.#inFlight.size - inFlightBefore)
    if (answered > 0) observer.answered?.((performance.now() - this.#readAt) / 1000, answered)
  }

  /** Whether there is room for one more request, and somebody to answer it to. */
  #mayTake(): boolean {
    return (
      (this.#state === 'open' || this.#state === 'finishing') &&
      this.#inFlight.size < this.#context.options.maxInFlight &&
      !this.#outbound.blocked &&
      this.#conn !== 'pending'
    )
  }

  /** A Conn, or what should not have come. */
  #takeOther(packet: PacketView): void {
    if (packet.command === CommandId.Submit) {
      throw new PacketError('ERR_PACKET_UNEXPECTED', 'a Submit came before a Conn had succeeded')
    }
    if (packet.command !== CommandId.Conn) {
      throw new PacketError('ERR_PACKET_UNEXPECTED', 'a response was sent to a server')
    }
    if (this.#conn !== 'none') throw new PacketError('ERR_PACKET_UNEXPECTED', 'a second Conn came')
    this.#conn = 'pending'
    this.#answerOtherwise(packet, this.#context.handlers.conn(packet, this))
  }

  /** Any answer but the usual one, success to a Submit. */
  #answerOtherwise(request: ConnView | SubmitView, outcome: HandlerOutcome): void {
    const result = resultOf(outcome)
    if (result !== undefined) this.#answer(request, result)
    else {
      try {
        if (!isThenable(outcome)) throw notAResult(nameOfHandler(request), outcome)
        if (this.#readAt === 0) this.#readAt = performance.now()
        this.#inFlight.start(this.#context.options.reuseReadBuffer ? request.copy() : request, outcome, this.#readAt)
      } catch (error) {
        this.#context.handlers.error(error, this)
        this.#answer(request, 1)
      }
    }
    this.#taking = this.#mayTake()
  }

  #answer(request: ConnView | SubmitView, result: Result): void {
    this.#outbound.failures += result
    if (this.#outbound.ack(request, result)) this.#flushEarly()
    if (request.command === CommandId.Conn) this.#connAnswered(result)
  }

  #flushEarly(): void {
    this.#outbound.flush()
    this.#taking = this.#mayTake()
  }

  #connAnswered(result: Result): void {
    if (result === 0) {
      this.#conn = 'accepted'
      this.#locked = false
      this.#decoder.maxFrameLength = this.#context.options.maxFrameLength
    } else {
      this.#conn = 'refused'
      this.#stop('unauthorized')
    }
  }

  #answerSettled(): void {
    const { observer } = this.#context.options
    const now = observer.answered === undefined ? 0 : performance.now()
    this.#inFlight.answerSettled(
      (request, result) => {
        this.#answer(request, result)
        return !this.#outbound.blocked
      },
      (startedAt, count) => observer.answered?.((now - startedAt) / 1000, count),
    )
  }

  #abortHandlers(error: Error): void {
    this.#abort?.abort(error)
    this.#abort = undefined
  }

  /** Reads on, or not; ends our side when there is nothing left to say. */
  #moveOn(): void {
    if (this.#state === 'open') {
      if (this.#mayTake()) this.#inbound.resume()
      else this.#inbound.pause()
      return
    }
    if (this.#state === 'finishing' && this.#mayTake()) this.#noMoreFrames()
    if (this.#state !== 'finishing' && this.#state !== 'answering') return
    this.#inbound.pause()
    if (this.#state === 'answering' && this.#inFlight.unanswered === 0) {
      this.#state = 'lingering'
      this.#outbound.end()
      this.#inbound.resume()
    }
  }

  #noMoreFrames(): void {
    this.#state = 'answering'
    if (!this.#peerEnded) return
    try {
      this.#decoder.finish()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** Takes no more requests. */
  #stop(reason: CloseReason): void {
    if (this.#state !== 'open' && this.#state !== 'finishing') return
    this.#state = 'answering'
    this.#taking = false
    this.#reason = reason
    this.#context.turns.wake(this)
  }

  #fail(error: Error): void {
    this.#state = 'answering'
    this.#reason = error instanceof FrameError ? 'frame-error' : 'packet-error'
    this.#error = error
  }

  onWritable(): void {
    this.#outbound.unblock()
    this.work()
  }

  onEnd(): void {
    this.#peerEnded = true
    if (this.#state !== 'open') return
    this.#state = 'finishing'
    this.#reason = 'peer-closed'
    this.work()
  }

  onError(error: NodeJS.ErrnoException): void {
    if (this.#reason !== undefined && !(this.#reason === 'draining' && this.owesAnswers)) return
    this.#reason = error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'peer-reset' : 'socket-error'
    this.#error = error
  }

  onClose(): void {
    const { counters, handlers } = this.#context
    if (this.#state === 'opening' && this.#reason === undefined && this.#connection.bytesRead > 0) {
      this.destroy('handshake-error', new Error('the connection ended in the middle of the handshake'))
    }
    const reason = this.#reason ?? 'peer-closed'
    this.#inFlight.abandon()
    this.#state = 'closed'
    counters.connectionsClosed[reason] += 1
    this.#abort?.abort()
    this.#context.forget(this)
    handlers.close(this, reason, this.#error)
  }
}
