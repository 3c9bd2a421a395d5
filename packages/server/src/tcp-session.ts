import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { FrameDecoder, FrameError } from '@demo/frame'
import { CommandId, type ConnView, type PacketCodec, PacketError, type PacketView, type SubmitView } from '@demo/packet'
import type { CloseReason } from './close-reason.ts'
import { type PassedLimit, SessionDeadlines } from './deadlines.ts'
import { Ending } from './ending.ts'
import {
  type ContextMaker,
  type HandlerCaller,
  type HandlerOutcome,
  isThenable,
  notAResult,
  type Result,
  resultOf,
  whenSettled,
} from './handlers.ts'
import { InFlight, nameOfHandler } from './in-flight.ts'
import { Inbound, type InboundContext } from './inbound.ts'
import type { CheckedOptions } from './options.ts'
import { Outbound, type Scratch } from './outbound.ts'
import type { ProxiedPeer } from './proxy-protocol.ts'
import { createSharedAbortController, Request, type RequestTimes } from './request-context.ts'
import { HandlerTimeoutError, InternalError } from './server-errors.ts'
import { checkDestroyReason, type SessionState } from './session.ts'

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
export class TcpSession<Data> implements ContextMaker<Data> {
  readonly id: number
  remoteAddress: string | undefined
  remotePort: number | undefined
  data: Data | undefined = undefined
  /** Whether it counts among the connections of its address. */
  counted = false

  readonly #context: SessionContext<Data>
  #socket: Socket
  readonly #decoder: FrameDecoder
  #inbound: Inbound
  #outbound: Outbound
  readonly #deadlines: SessionDeadlines
  readonly #inFlight: InFlight
  readonly #acceptedAt = performance.now()
  #peerCertificate: X509Certificate | undefined

  #state: SessionState = 'opening'
  /** Whether a Conn must succeed before anything else. */
  #locked: boolean
  /** Whether `onOpen` has not settled: nothing is read before. */
  #admitting = false
  #reads = false
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
  readonly #ending = new Ending()
  #requests = 0
  /** When we began to take the current requests; 0 until it is needed. */
  #takenAt = 0
  /** When the last bytes came; only where contexts are wanted. */
  #receivedAt = 0
  /** The times of the requests being taken, and the context made last; only where contexts are wanted. */
  #times: RequestTimes | undefined
  #request: Request<Data> | undefined
  #abort: AbortController | undefined

  constructor(id: number, socket: Socket, context: SessionContext<Data>) {
    const { options, codec, scratch, counters } = context
    this.id = id
    this.remoteAddress = socket.remoteAddress
    this.remotePort = socket.remotePort
    this.#context = context
    this.#locked = options.requireConn
    this.#socket = socket
    this.#decoder = new FrameDecoder({
      maxFrameLength: options.requireConn
        ? Math.min(options.maxFrameLength, MAX_FRAME_LENGTH_BEFORE_CONN)
        : options.maxFrameLength,
    })
    this.#inbound = new Inbound(socket, context, this)
    this.#outbound = new Outbound(socket, codec, scratch, counters, options.maxWriteBuffer)
    this.#inFlight = new InFlight(options.handlerTimeout, counters, {
      settled: (soon) => (soon ? process.nextTick(() => this.work()) : context.turns.wake(this)),
      failed: (error) => this.#handlerFailed(error),
    })
    this.#deadlines = new SessionDeadlines(options)
    this.#watch(socket)
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
    return this.#peerCertificate
  }

  get signal(): AbortSignal {
    this.#abort ??= createSharedAbortController()
    if (this.#state === 'closed') this.#abort.abort(this.#ending.abortReason)
    return this.#abort.signal
  }

  /** Why the connection is closed, or undefined while it is not. */
  get closedError(): Error | undefined {
    return this.#state === 'closed' ? this.#ending.abortReason : undefined
  }

  close(): void {
    if (this.#state === 'opening') this.closeNow('handler-closed')
    else this.#stop('handler-closed')
  }

  destroy(reason?: Error): void {
    checkDestroyReason('session', reason)
    this.closeNow('destroyed', reason)
  }

  /** The context of the packet that is being handled. */
  contextOf(packet: ConnView | SubmitView): Request<Data> {
    if (this.#takenAt === 0) this.#takenAt = performance.now()
    this.#times ??= this.#timesNow()
    this.#request = new Request(this, packet, this.#times)
    return this.#request
  }

  /** A proxy has told for whom it connects; undefined: for itself. */
  proxiedFor(peer: ProxiedPeer | undefined): void {
    if (peer === undefined) return
    this.remoteAddress = peer.address
    this.remotePort = peer.port
  }

  /** Begins to read frames; from another socket than the one that was accepted, where TLS came between. */
  open(socket = this.#socket): void {
    if (this.#state !== 'opening') return
    if (socket !== this.#socket) this.#secure(socket)
    this.#state = 'open'
    socket.on('end', () => this.#peerHasEnded())
    socket.on('drain', () => this.#writable())
    const opened = this.#context.handlers.open(this)
    if (typeof opened === 'boolean') {
      this.#read()
      if (!opened) this.#stop('handler-closed')
    } else {
      this.#admitting = true
      whenSettled(
        opened,
        () => this.#endAdmission(),
        (error) => this.#refuseAdmission(error),
      )
    }
  }

  /**
   * Closes at once; what was not answered stays so. The reason is this one, unless there is one already. A reason that
   * promises all answers is replaced: `draining`, and `peer-closed` while some are owed.
   */
  closeNow(reason: CloseReason, error?: Error): void {
    if (this.#state === 'closed') return
    const cutsShort = this.#ending.reason === 'draining' || (this.#ending.reason === 'peer-closed' && this.owesAnswers)
    if (this.#ending.reason === undefined || cutsShort) {
      this.#ending.set(reason, error)
    }
    this.#state = 'closed'
    this.#taking = false
    this.#socket.destroy()
  }

  /** Closes at once because of a bug of ours, and reports it. What the bug left half done is thrown away. */
  breakDown(thrown: unknown): void {
    if (this.#state === 'closed') return
    const error = new InternalError(thrown)
    this.#outbound.discard()
    this.#ending.set('internal-error', error)
    this.closeNow('internal-error', error)
    this.#context.handlers.error(error, this)
  }

  /**
   * Answers what was received, and closes. Not to be called from within a handler: it fills the scratch.
   */
  drain(): void {
    if (this.#state === 'opening') this.closeNow('draining')
    if (this.#admitting) this.#stop(this.#ending.reason ?? 'draining')
    if (this.#state !== 'open') return
    this.#inbound.pause()
    // What Node has read for us counts as received. read() gives it to who reads.
    while (this.#socket.readableLength > 0 && this.#socket.read() !== null);
    if (this.#state !== 'open') return
    this.#state = 'finishing'
    this.#ending.set('draining')
    this.work()
  }

  /** How many requests were received and not answered, those included that were not taken. Only before `closeNow()`. */
  countUnanswered(): number {
    if (this.#state === 'closed') return 0
    const takes = this.#state === 'open' || this.#state === 'finishing'
    let untaken = 0
    try {
      while (takes && this.#decoder.next()) untaken += 1
    } catch (error) {
      // What comes after is no frame.
      if (!(error instanceof FrameError)) this.breakDown(error)
    }
    return this.#inFlight.unanswered + untaken
  }

  /** Whether closing it now would lose an answer. */
  get owesAnswers(): boolean {
    if (this.#state === 'opening' || this.#state === 'closed' || this.#admitting) return false
    if (this.#state === 'finishing') return true
    return this.#inFlight.unanswered > 0 || this.#outbound.unsentBytes > 0
  }

  /** Closes what has taken too long. `now` is in milliseconds on the monotonic clock. */
  sweep(now: number): void {
    try {
      this.#checkLimits(now)
    } catch (error) {
      this.breakDown(error)
    }
  }

  #checkLimits(now: number): void {
    const open = this.#state === 'open'
    if (open && now < this.#restsUntil && this.receivedBytes === this.#bytesAtRest) return
    this.#inFlight.giveUpOverdue(now)
    const passed = this.#deadlines.check(
      {
        shakesHands: this.#state === 'opening' || this.#admitting || (open && this.#locked),
        framesTaken: this.#requests,
        insideFrame: open && !this.#inbound.paused && this.#decoder.insideFrame,
        receivedBytes: this.receivedBytes,
        waits: open && this.#inbound.waitsForTurn,
        inFlight: this.#inFlight.size + Number(this.#admitting),
        sentBytes: this.#outbound.sentBytes,
        unsentBytes: this.#outbound.unsentBytes,
        ended: this.#state === 'lingering' && this.#outbound.unsentBytes === 0,
      },
      now,
    )
    if (passed !== undefined) this.#outOfTime(passed)
    else if (open && !this.#locked && !this.#admitting) this.#restIfIdle()
  }

  #outOfTime(limit: PassedLimit): void {
    if (limit === 'lingered') this.#socket.destroy()
    else if (limit === 'write-timeout' || this.#state === 'opening') this.closeNow(limit)
    else if (this.#admitting) {
      const { handlers, options } = this.#context
      const error = new HandlerTimeoutError('onOpen', options.handshakeTimeout, 'the connection is closed')
      this.#stop(limit, error)
      handlers.error(error, this)
    } else {
      this.#stop(limit)
      // A handler that decides on the Conn has only as long as the peer had for it.
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
    try {
      if (this.#inFlight.unanswered > 0) this.#answerSettled()
      this.#takeRequests()
      this.#outbound.flush()
      this.#moveOn()
    } catch (error) {
      this.breakDown(error)
    }
  }

  /** Reads on after a rest. */
  readOn(): void {
    this.#inbound.readOn()
  }

  #watch(socket: Socket): void {
    // Of the plain socket under TLS nothing is wanted to know any more.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (socket === this.#socket) this.#socketFailed(error)
    })
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed()
    })
  }

  #secure(socket: Socket): void {
    const { options, codec, scratch, counters } = this.#context
    this.#socket = socket
    // Asked for now: a socket that is closed does not know it any more. Where none was required it is undefined.
    if (socket instanceof TLSSocket) this.#peerCertificate = socket.getPeerX509Certificate()
    this.#inbound = new Inbound(socket, this.#context, this)
    this.#outbound = new Outbound(socket, codec, scratch, counters, options.maxWriteBuffer)
    this.#watch(socket)
  }

  #read(): void {
    if (this.#reads || this.#state === 'closed') return
    this.#reads = true
    this.#inbound.open((chunk, lent) => this.#receive(chunk, lent))
  }

  /** `onOpen` has settled well, or is not waited for any more. */
  #endAdmission(): void {
    if (!this.#admitting) return
    this.#admitting = false
    this.#read()
    // The peer may have ended its side already, without sending anything.
    this.#context.turns.wake(this)
  }

  #refuseAdmission(error: unknown): void {
    const gaveUp = this.#ending.reason === 'handshake-timeout' && this.#ending.error instanceof HandlerTimeoutError
    if (!gaveUp) this.#handlerFailed(error)
    if (this.#admitting) this.#stop('handler-closed')
  }

  /** Reports what a handler threw, unless it is only that it stopped because the connection was closed. */
  #handlerFailed(error: unknown): void {
    if (this.#ending.causes(error)) return
    this.#context.handlers.error(error, this)
  }

  /** Bytes have come. `lent`: they are valid until this returns. */
  #receive(chunk: Uint8Array, lent: boolean): void {
    try {
      this.#take(chunk, lent)
    } catch (error) {
      this.breakDown(error)
    }
  }

  #take(chunk: Uint8Array, lent: boolean): void {
    if (this.#state !== 'open') return
    if (this.#context.handlers.takesContext) this.#receivedAt = performance.now()
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
    let failure: unknown
    this.#takenAt = observer.answered === undefined ? 0 : performance.now()
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
      failure = error
    }
    this.#forgetContexts()
    this.#requests += taken
    counters.requestsReceived += taken
    const answered = taken - (this.#inFlight.size - inFlightBefore)
    if (answered > 0) observer.answered?.((performance.now() - this.#takenAt) / 1000, answered)
    if (failure !== undefined) this.#fail(failure)
  }

  /** Whether there is room for one more request, and somebody to answer it to. */
  #mayTake(): boolean {
    return (
      (this.#state === 'open' || this.#state === 'finishing') &&
      this.#inFlight.size < this.#context.options.maxInFlight &&
      !this.#outbound.blocked &&
      this.#conn !== 'pending' &&
      !this.#admitting
    )
  }

  /** When the requests being taken came, and how long their handlers have. */
  #timesNow(): RequestTimes {
    const { handlerTimeout, handshakeTimeout } = this.#context.options
    const handshakeEnd = this.#locked ? this.#acceptedAt + handshakeTimeout : Number.POSITIVE_INFINITY
    return { receivedAt: this.#receivedAt, deadline: Math.min(this.#takenAt + handlerTimeout, handshakeEnd) }
  }

  /** The next request has other times, and a context of its own or none. */
  #forgetContexts(): void {
    this.#times = undefined
    this.#request = undefined
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
    this.#forgetContexts()
    this.#answerOtherwise(packet, this.#context.handlers.conn(packet, this))
    this.#forgetContexts()
  }

  /** Any answer but the usual one, success to a Submit. */
  #answerOtherwise(request: ConnView | SubmitView, outcome: HandlerOutcome): void {
    const result = resultOf(outcome)
    if (result !== undefined) this.#answer(request, result)
    else if (this.#isPromise(request, outcome)) this.#wait(request, outcome)
    else this.#answer(request, 1)
    this.#taking = this.#mayTake()
  }

  /** Whether a handler gave a promise; if not, it failed. */
  #isPromise(request: ConnView | SubmitView, outcome: unknown): outcome is PromiseLike<unknown> {
    try {
      if (isThenable(outcome)) return true
      throw notAResult(nameOfHandler(request), outcome)
    } catch (error) {
      this.#context.handlers.error(error, this)
      return false
    }
  }

  #wait(request: ConnView | SubmitView, outcome: PromiseLike<unknown>): void {
    if (this.#takenAt === 0) this.#takenAt = performance.now()
    const kept = this.#context.options.reuseReadBuffer ? request.copy() : request
    const context = this.#request
    context?.keep(kept)
    this.#inFlight.start(kept, outcome, this.#takenAt, context)
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
      this.#fail(error)
    }
  }

  /** Takes no more requests. */
  #stop(reason: CloseReason, error?: Error): void {
    if (this.#state !== 'open' && this.#state !== 'finishing') return
    this.#state = 'answering'
    this.#taking = false
    this.#ending.set(reason, error)
    if (this.#admitting) this.#endAdmission()
    else this.#context.turns.wake(this)
  }

  /**
   * The peer broke the protocol: what was received before is answered, then the connection is closed.
   *
   * @throws whatever is no fault of the peer
   */
  #fail(error: unknown): void {
    const isOfFrame = error instanceof FrameError
    if (!isOfFrame && !(error instanceof PacketError)) throw error
    this.#state = 'answering'
    this.#ending.set(isOfFrame ? 'frame-error' : 'packet-error', error)
  }

  #writable(): void {
    this.#outbound.unblock()
    this.work()
  }

  #peerHasEnded(): void {
    this.#peerEnded = true
    if (this.#state !== 'open') return
    this.#state = 'finishing'
    this.#ending.set('peer-closed')
    this.work()
  }

  /** Node destroys a plain socket that failed, and leaves a secure one open whose peer sends what can't be decrypted. */
  #socketFailed(error: NodeJS.ErrnoException): void {
    const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    if (this.#ending.reason === undefined || (this.#ending.reason === 'draining' && this.owesAnswers)) {
      this.#ending.set(reset ? 'peer-reset' : 'socket-error', error)
    }
    this.#socket.destroy()
  }

  #closed(): void {
    const { counters, handlers } = this.#context
    if (this.#state === 'opening' && this.#ending.reason === undefined && this.#socket.bytesRead > 0) {
      this.closeNow('handshake-error', new Error('the connection ended in the middle of the handshake'))
    }
    const reason = this.#ending.reason ?? 'peer-closed'
    this.#state = 'closed'
    counters.connectionsClosed[reason] += 1
    this.#inFlight.abandon(() => this.#ending.abortReason)
    this.#abort?.abort(this.#ending.abortReason)
    this.#context.forget(this)
    handlers.close(this, reason, this.#ending.error)
  }
}
