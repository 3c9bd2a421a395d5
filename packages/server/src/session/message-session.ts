import type { FrameDecoderOptions, FrameReader } from '@demo/frame'
import type { RequestContext } from '../api/request-context.ts'
import { ConnectionClosedError } from '../api/server-errors.ts'
import type { MessageSession as PublicMessageSession } from '../api/session.ts'
import { isThenable, whenSettled } from '../handlers/outcome.ts'
import { MessageOutbound } from '../io/message-outbound.ts'
import type { WriteBuffer } from '../io/outbound.ts'
import { OutgoingMessages } from '../io/outgoing-messages.ts'
import type { Connection } from '../transport/connection.ts'
import { LazyRequestContext, type RequestTimes } from './lazy-request-context.ts'
import { ManagedSession } from './managed-session.ts'
import { asError, Failure, type MessageAnswer } from './message-answer.ts'
import type { CheckedCodec } from './message-codec.ts'
import type { Abortable } from './pending-list.ts'
import type { SessionContext } from './session-context.ts'

/** What a session of a user's protocol needs from its server. */
export interface MessageContext<Data, Message, Reply> extends SessionContext<MessageSession<Data, Message, Reply>> {
  readonly codec: CheckedCodec<Message, Reply>
  readonly decoderOptions: FrameDecoderOptions
  readonly buffer: WriteBuffer
  readonly protocol: MessageHandlers<Data, Message, Reply>
  /** Whether `onMessage` may use its context. */
  readonly messageTakesContext: boolean
}

/** The handlers of messages. */
interface MessageHandlers<Data, Message, Reply> {
  onMessage(message: Message, context: RequestContext<Data, PublicMessageSession<Data, Reply>>): unknown
  failureReply?(error: unknown, message: Message): Reply | undefined
}

/** A handler that declares no parameter for a context is called without one. */
interface WithoutContext<Message> {
  onMessage(message: Message): unknown
}

/** A session of a user's protocol: any messages, any replies, and messages that are not replies. */
export class MessageSession<Data, Message, Reply>
  extends ManagedSession<MessageSession<Data, Message, Reply>, Message, MessageAnswer>
  implements PublicMessageSession<Data, Reply>
{
  data: Data | undefined = undefined
  readonly authenticated = false
  protected readonly decoder: FrameReader
  protected readonly outbound: MessageOutbound
  readonly #context: MessageContext<Data, Message, Reply>
  readonly #outgoing: OutgoingMessages
  /** The length of replies that wait for an older one or for the peer, in bytes. */
  #heldLength = 0
  /** If ordered: the first failure without a reply. Later messages get none either: a peer would mistake it for this one's. */
  #cutShort: Failure | undefined
  /** The times of the current messages. */
  #times: RequestTimes | undefined

  constructor(id: number, connection: Connection, context: MessageContext<Data, Message, Reply>) {
    super(id, connection, context)
    const { buffer, codec, counters, decoderOptions, options } = context
    this.#context = context
    this.decoder = codec.frames.decoder(decoderOptions)
    this.outbound = new MessageOutbound(connection, buffer, counters, codec.frames, options.maxWriteBuffer)
    this.#outgoing = new OutgoingMessages(this.outbound, codec.frames, options.maxWriteBuffer)
  }

  protected get self(): this {
    return this
  }

  send(message: Reply): boolean {
    if (this.state === 'lingering' || this.state === 'closed') throw this.endedError
    this.#outgoing.add(this.#context.codec.encode(message))
    this.wake()
    return this.#outgoing.keepsUp
  }

  drained(): Promise<void> {
    return this.state === 'closed' ? Promise.resolve() : this.#outgoing.drained()
  }

  override work(): void {
    super.work()
    this.#outgoing.checkDrained()
  }

  toAnswer(value: unknown): MessageAnswer {
    // No peer will read it.
    if (value === undefined || this.state === 'closed') return undefined
    return this.#hold(this.#context.codec.encode(value as Reply))
  }

  failed(error: unknown, message: Message): MessageAnswer {
    const failure = this.#fail(error, message)
    return failure.payload === undefined ? failure : new Failure(error, this.#hold(failure.payload))
  }

  protected takeRequests(): void {
    const { codec, messageTakesContext, options } = this.#context
    const { decoder } = this
    const unansweredBefore = this.pending.unanswered
    let taken = 0
    let failure: unknown
    this.takenAt = options.observer.answered === undefined ? 0 : performance.now()
    this.taking = this.mayTake()
    try {
      while (this.taking && decoder.next()) {
        const message = codec.decode(decoder)
        this.#handle(message, messageTakesContext ? this.#contextOf(message) : undefined)
        taken += 1
      }
    } catch (error) {
      failure = error
    }
    this.#times = undefined
    this.countTaken(taken, unansweredBefore)
    if (failure !== undefined) this.streamFailed(failure)
  }

  /** Replies that wait count as unsent: a peer that does not read them cannot use more memory. */
  protected override mayTake(): boolean {
    return super.mayTake() && this.#heldLength < this.#context.options.maxWriteBuffer
  }

  /** Sends an answer that had to wait. */
  protected answer(_message: Message, answer: MessageAnswer): void {
    if (answer === undefined) return
    const failed = answer instanceof Failure
    const payload = failed ? answer.payload : answer
    if (payload === undefined || this.#cutShort !== undefined) {
      this.#context.counters.unanswered += 1
      if (failed && this.#context.ordered) this.#cutShort ??= answer
      return
    }
    this.#heldLength -= payload.length
    this.#put(payload, failed ? 1 : 0)
  }

  protected override beforeFlush(): void {
    if (this.#cutShort !== undefined && this.pending.unanswered > 0) this.#giveUpRest(this.#cutShort)
    if (this.hasQueued && !this.opening && this.state !== 'closed') this.#outgoing.putUntilBlocked()
  }

  protected override get hasQueued(): boolean {
    return this.#outgoing.count > 0
  }

  /** Messages that were sent during an asynchronous `onOpen` leave now. */
  protected override admitted(): void {
    if (this.hasQueued) this.wake()
  }

  protected override abandon(reason: () => Error): void {
    super.abandon(reason)
    this.#heldLength = 0
    this.#outgoing.discard()
  }

  protected handlerOf(): string {
    return 'onMessage'
  }

  #contextOf(message: Message): LazyRequestContext<Data, PublicMessageSession<Data, Reply>> {
    this.#times ??= this.timesNow()
    return new LazyRequestContext<Data, PublicMessageSession<Data, Reply>>(this, message, this.#times)
  }

  /** The path of every message, kept short: bench/frame-server.bench.ts shows what it costs. */
  #handle(message: Message, context: LazyRequestContext<Data, PublicMessageSession<Data, Reply>> | undefined): void {
    const { ordered, protocol } = this.#context
    let payload: Uint8Array
    try {
      const outcome =
        context === undefined
          ? (protocol as WithoutContext<Message>).onMessage(message)
          : protocol.onMessage(message, context)
      if (outcome === undefined) return
      if (isThenable(outcome)) {
        this.#wait(message, outcome, context)
        return
      }
      payload = this.#context.codec.encode(outcome as Reply)
    } catch (error) {
      this.#answerFailure(message, this.#fail(error, message))
      return
    }
    if (ordered && this.pending.unanswered > 0) this.#enqueue(message, this.#hold(payload))
    else this.#put(payload, 0)
  }

  #wait(message: Message, outcome: PromiseLike<unknown>, context: Abortable | undefined): void {
    if (this.takenAt === 0) this.takenAt = performance.now()
    this.pending.start(message, outcome, this.takenAt, context)
    this.taking = this.mayTake()
  }

  #answerFailure(message: Message, { error, payload }: Failure): void {
    // Without a reply, older messages are answered, and newer ones are not taken.
    if (payload === undefined) this.#context.counters.unanswered += 1
    else if (this.#context.ordered && this.pending.unanswered > 0) {
      this.#enqueue(message, new Failure(error, this.#hold(payload)))
    } else this.#put(payload, 1)
  }

  #enqueue(message: Message, answer: MessageAnswer): void {
    this.pending.enqueue(message, answer, this.takenAt)
    this.taking = this.mayTake()
  }

  /** @param failures 1 if the handler of the message failed */
  #put(reply: Uint8Array, failures: 0 | 1): void {
    // Messages of send() go first, even if the outbound is blocked: they are at most maxWriteBuffer.
    if (this.#outgoing.count > 0) this.#outgoing.putAll()
    if (this.outbound.put(reply, 1, failures)) this.taking = this.mayTake()
  }

  #giveUpRest({ error }: Failure): void {
    this.pending.abandon(() => new ConnectionClosedError('handler-failed', asError(error)))
  }

  #fail(error: unknown, message: Message): Failure {
    this.reportFailure(error)
    const payload = this.state === 'closed' ? undefined : this.#encodeFailure(error, message)
    if (payload === undefined) this.stop('handler-failed', asError(error))
    return new Failure(error, payload)
  }

  #encodeFailure(error: unknown, message: Message): Uint8Array | undefined {
    const { handlers, protocol } = this.#context
    try {
      const reply: unknown = protocol.failureReply?.(error, message)
      if (isThenable(reply)) {
        whenSettled(reply, ignore, ignore)
        throw new TypeError('failureReply returned a promise: expected a reply, or nothing')
      }
      return reply === undefined ? undefined : this.#context.codec.encode(reply as Reply)
    } catch (thrown) {
      handlers.error(thrown, this)
      return undefined
    }
  }

  /** Copies bytes that the codec may reuse. */
  #hold(payload: Uint8Array): Uint8Array {
    this.#heldLength += payload.length
    return Buffer.from(payload)
  }
}

function ignore(): void {}
