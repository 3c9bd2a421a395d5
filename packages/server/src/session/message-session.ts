import { FrameError, type FrameFormat, type FrameReader } from '@demo/frame'
import { isThenable } from '../handlers/outcome.ts'
import { MessageOutbound } from '../io/message-outbound.ts'
import type { WriteBuffer } from '../io/write-buffer.ts'
import type { Connection } from '../transport/connection.ts'
import { FrameSession, type SessionContext } from './frame-session.ts'
import { LazyRequestContext, type RequestContext, type RequestTimes } from './request-context.ts'
import { CodecError, ConnectionClosedError, ProtocolError, WriteBufferFullError } from './server-errors.ts'
import type { MessageSession as PublicMessageSession } from './session.ts'

/** A user's protocol on the wire: its frames, and what is in them. */
export interface MessageCodec<Message, Reply> {
  /** How the stream is cut into frames, for example `lengthPrefixed({ lengthBytes: 2 })` of `@demo/frame`. */
  readonly frames: FrameFormat

  /**
   * Makes a message of a frame's payload: `bytes` from `start` to `end`. The bytes stay as they are for as long as
   * anybody holds them, and keep the whole chunk they came in in memory (up to 64 KiB).
   *
   * @throws ProtocolError for a message that breaks the protocol: the connection is closed as `packet-error`. Anything
   *   else that is thrown is a bug of the codec: it is reported to `onError`, and closes this connection as
   *   `internal-error`
   */
  decode(bytes: Uint8Array, start: number, end: number): Message

  /** The payload of the frame of a reply. It is copied. */
  encode(reply: Reply): Uint8Array
}

/** What a session of a user's protocol needs of its server. */
export interface MessageContext<Data, Message, Reply> extends SessionContext<MessageSession<Data, Message, Reply>> {
  readonly codec: MessageCodec<Message, Reply>
  readonly buffer: WriteBuffer
  onMessage(message: Message, context: RequestContext<Data, PublicMessageSession<Data, Reply>>): unknown
  /** Whether `onMessage` may look at its context. */
  readonly messageTakesContext: boolean
  readonly failureReply: ((error: unknown, message: Message) => Reply | undefined) | undefined
}

/** What a request is answered with: the payload of a frame, nothing, or the end of the session. */
type Answer = Uint8Array | undefined | typeof CLOSE

const CLOSE = Symbol('close')

/** A session of a user's protocol: any messages, any replies, and messages that nobody asked for. */
export class MessageSession<Data, Message, Reply>
  extends FrameSession<MessageSession<Data, Message, Reply>, Message, Answer>
  implements PublicMessageSession<Data, Reply>
{
  data: Data | undefined = undefined
  readonly authenticated = false
  protected readonly decoder: FrameReader
  protected readonly outbound: MessageOutbound
  readonly #context: MessageContext<Data, Message, Reply>
  /** What `send()` was given, encoded, and its length in bytes. */
  #outgoing: Uint8Array[] = []
  #outgoingLength = 0
  #whenDrained: (() => void)[] = []
  /** The times of the messages that are being taken. */
  #times: RequestTimes | undefined

  constructor(id: number, connection: Connection, context: MessageContext<Data, Message, Reply>) {
    super(id, connection, context)
    const { buffer, codec, counters, options } = context
    this.#context = context
    this.decoder = codec.frames.decoder({ maxFrameLength: options.maxFrameLength })
    this.outbound = new MessageOutbound(connection, buffer, counters, codec.frames, options.maxWriteBuffer)
  }

  protected get self(): this {
    return this
  }

  send(message: Reply): boolean {
    if (this.state !== 'open' && this.state !== 'finishing' && this.state !== 'answering') {
      throw this.closedError ?? new ConnectionClosedError('handler-closed', undefined)
    }
    const payload = this.#encode(message)
    const { maxWriteBuffer } = this.#context.options
    const unsent = this.#unsent + payload.length
    if (unsent > maxWriteBuffer) throw new WriteBufferFullError(payload.length, unsent, maxWriteBuffer)
    this.#outgoing.push(payload)
    this.#outgoingLength += payload.length
    this.wake()
    return this.#keepsUp
  }

  drained(): Promise<void> {
    if (this.#keepsUp || this.state === 'closed') return Promise.resolve()
    return new Promise((resolve) => this.#whenDrained.push(resolve))
  }

  override work(): void {
    super.work()
    if (this.#whenDrained.length > 0 && this.#keepsUp) this.#resolveDrained()
  }

  protected takeRequests(): void {
    const { codec, messageTakesContext, options } = this.#context
    const { decoder } = this
    const inFlightBefore = this.pending.size
    let taken = 0
    let failure: unknown
    this.takenAt = options.observer.answered === undefined ? 0 : performance.now()
    this.taking = this.mayTake()
    try {
      while (this.taking && decoder.next()) {
        const message = codec.decode(decoder.bytes, decoder.start, decoder.end)
        this.#handle(message, messageTakesContext ? this.#contextOf(message) : undefined)
        taken += 1
      }
    } catch (error) {
      const known = error instanceof FrameError || error instanceof ProtocolError
      failure = known ? error : new CodecError('decode', error)
    }
    this.#times = undefined
    this.took(taken, inFlightBefore)
    if (failure !== undefined) this.streamFailed(failure)
  }

  #contextOf(message: Message): LazyRequestContext<Data, PublicMessageSession<Data, Reply>> {
    this.#times ??= this.timesNow()
    return new LazyRequestContext<Data, PublicMessageSession<Data, Reply>>(this, message, this.#times)
  }

  protected override beforeFlush(): void {
    if (this.#outgoing.length === 0) return
    let sent = 0
    while (sent < this.#outgoing.length && !this.outbound.blocked) {
      const payload = this.#outgoing[sent]
      sent += 1
      if (payload === undefined) continue
      this.#outgoingLength -= payload.length
      this.outbound.put(payload)
    }
    this.#outgoing = sent === this.#outgoing.length ? [] : this.#outgoing.slice(sent)
  }

  protected override abandon(reason: () => Error): void {
    super.abandon(reason)
    this.#outgoing = []
    this.#outgoingLength = 0
    this.#resolveDrained()
  }

  protected answer(_message: Message, answer: Answer): void {
    if (answer === CLOSE) {
      this.stop('handler-failed')
      return
    }
    if (answer === undefined) return
    this.outbound.put(answer)
    if (this.outbound.blocked) this.taking = this.mayTake()
  }

  toAnswer(value: unknown): Answer {
    const answer = value === undefined ? undefined : this.#encode(value as Reply)
    this.#context.counters.successes += 1
    return answer
  }

  failed(error: unknown, message: Message): Answer {
    const { counters, failureReply, handlers } = this.#context
    counters.failures += 1
    this.reportFailure(error)
    if (failureReply === undefined) return CLOSE
    try {
      const reply = failureReply(error, message)
      return reply === undefined ? CLOSE : this.#encode(reply)
    } catch (failure) {
      handlers.error(failure, this)
      return CLOSE
    }
  }

  /** Whether the peer takes what it is sent, or will soon. */
  get #keepsUp(): boolean {
    return !this.outbound.blocked && this.#unsent < this.#context.options.maxWriteBuffer / 2
  }

  protected handlerOf(): string {
    return 'onMessage'
  }

  get #unsent(): number {
    return this.#outgoingLength + this.outbound.unsentBytes
  }

  #handle(message: Message, context: LazyRequestContext<Data, PublicMessageSession<Data, Reply>> | undefined): void {
    const { pending } = this
    const { onMessage, ordered } = this.#context
    let answer: Answer
    try {
      // A handler that takes no context declares no parameter for it.
      const outcome = onMessage(message, context as LazyRequestContext<Data, PublicMessageSession<Data, Reply>>)
      if (isThenable(outcome)) {
        if (this.takenAt === 0) this.takenAt = performance.now()
        pending.start(message, outcome, this.takenAt, context)
        this.taking = this.mayTake()
        return
      }
      answer = this.toAnswer(outcome)
    } catch (error) {
      answer = this.failed(error, message)
    }
    if (ordered && pending.unanswered > 0) pending.enqueue(message, answer, this.takenAt)
    else this.answer(message, answer)
  }

  /** @throws CodecError */
  #encode(reply: Reply): Uint8Array {
    let payload: unknown
    try {
      payload = this.#context.codec.encode(reply)
      if (payload instanceof Uint8Array) {
        // Whether the format can express its length is known now, and not when it is sent.
        this.#context.codec.frames.encodedLength(payload.length)
        return payload
      }
    } catch (error) {
      throw new CodecError('encode', error)
    }
    throw new CodecError('encode', new TypeError(`it returned ${typeof payload}: expected a Uint8Array`))
  }

  #resolveDrained(): void {
    for (const resolve of this.#whenDrained.splice(0)) resolve()
  }
}
