import { FrameDecoder } from '@demo/frame'
import { CommandId, type ConnView, type PacketCodec, PacketError, type PacketView, type SubmitView } from '@demo/packet'
import type { HandlerOutcome, Result } from '../api/result.ts'
import type { Session } from '../api/session.ts'
import type { Handlers } from '../handlers/handlers.ts'
import { invalidResult, isThenable, resultOf } from '../handlers/outcome.ts'
import { AckOutbound } from '../io/ack-outbound.ts'
import type { WriteBuffer } from '../io/outbound.ts'
import type { Connection } from '../transport/connection.ts'
import { LazyRequestContext, type RequestTimes } from './lazy-request-context.ts'
import { ManagedSession } from './managed-session.ts'
import type { SessionContext, SessionOptions } from './session-context.ts'

/** The longest frame before a required Conn has succeeded, in bytes. */
const MAX_FRAME_LENGTH_BEFORE_CONN = 4096

/** What a session of Conn and Submit needs from its server. */
export interface SubmitContext<Data> extends SessionContext<SubmitSession<Data>> {
  readonly options: SessionOptions & { readonly requireConn: boolean }
  readonly codec: PacketCodec
  readonly buffer: WriteBuffer
  readonly protocol: Handlers<Data>
  /** Whether `onSubmit` may use its context. */
  readonly submitTakesContext: boolean
}

type RequestPacket = ConnView | SubmitView

/** A handler that declares no parameter for a context is called without one. */
interface WithoutContext {
  onSubmit(submit: SubmitView): HandlerOutcome
}

/** A session of Conn, Submit and results of one byte. */
export class SubmitSession<Data>
  extends ManagedSession<SubmitSession<Data>, RequestPacket, Result>
  implements Session<Data>
{
  data: Data | undefined = undefined
  protected readonly decoder: FrameDecoder
  protected readonly outbound: AckOutbound
  readonly #context: SubmitContext<Data>
  /** The context of the last request, if one was made. */
  #current: LazyRequestContext<Data, Session<Data>> | undefined
  /** The times of the current requests. */
  #times: RequestTimes | undefined
  #conn: 'none' | 'pending' | 'accepted' | 'refused' = 'none'

  constructor(id: number, connection: Connection, context: SubmitContext<Data>) {
    super(id, connection, context)
    const { options, codec, buffer, counters } = context
    const { maxFrameLength, maxWriteBuffer, requireConn } = options
    this.#context = context
    this.authRequired = requireConn
    this.decoder = new FrameDecoder({
      maxFrameLength: requireConn ? Math.min(maxFrameLength, MAX_FRAME_LENGTH_BEFORE_CONN) : maxFrameLength,
    })
    this.outbound = new AckOutbound(connection, buffer, counters, codec, maxWriteBuffer)
  }

  get authenticated(): boolean {
    return this.#conn === 'accepted'
  }

  protected get self(): this {
    return this
  }

  /**
   * The path of every packet. The loop is so small that the compiler inlines codec and decoder into it;
   * bench/session.bench.ts shows what one more call costs.
   */
  protected takeRequests(): void {
    const { codec, options, protocol, submitTakesContext } = this.#context
    const { observer } = options
    const { decoder, outbound } = this
    const unansweredBefore = this.pending.unanswered
    let taken = 0
    let failure: unknown
    this.takenAt = observer.answered === undefined ? 0 : performance.now()
    this.taking = this.mayTake()
    try {
      while (this.taking && decoder.next()) {
        const packet = codec.decodeUnchecked(decoder.bytes, decoder.start, decoder.end)
        if (packet.command === CommandId.Submit && !this.authRequired) {
          let outcome: HandlerOutcome
          try {
            outcome = submitTakesContext
              ? protocol.onSubmit(packet, this.#contextOf(packet))
              : (protocol as WithoutContext).onSubmit(packet)
          } catch (error) {
            outcome = this.failed(error)
          }
          if (outcome === undefined || outcome === 0) {
            if (outbound.ack(packet, 0)) this.flushEarly()
          } else this.#answerOtherwise(packet, outcome)
        } else this.#takeOther(packet)
        taken += 1
      }
    } catch (error) {
      failure = error
    }
    this.#forgetContexts()
    this.countTaken(taken, unansweredBefore)
    if (failure !== undefined) this.streamFailed(failure)
  }

  /** Makes the context of the current request. */
  #contextOf(packet: RequestPacket): LazyRequestContext<Data, Session<Data>> {
    this.#times ??= this.timesNow()
    this.#current = new LazyRequestContext<Data, Session<Data>>(this, packet, this.#times)
    return this.#current
  }

  /** The next request has other times, and its own context or none. */
  #forgetContexts(): void {
    this.#times = undefined
    this.#current = undefined
  }

  /** Takes a Conn, or refuses an unexpected packet. */
  #takeOther(packet: PacketView): void {
    if (packet.command === CommandId.Submit) {
      throw new PacketError('ERR_PACKET_UNEXPECTED', 'a Submit came before a Conn had succeeded')
    }
    if (packet.command !== CommandId.Conn) {
      throw new PacketError('ERR_PACKET_UNEXPECTED', 'a response was sent to a server')
    }
    if (this.#conn !== 'none') throw new PacketError('ERR_PACKET_UNEXPECTED', 'a second Conn came')
    this.#conn = 'pending'
    this.exclusive = true
    this.#forgetContexts()
    this.#answerOtherwise(packet, this.#connect(packet))
    this.#forgetContexts()
  }

  #connect(packet: ConnView): HandlerOutcome {
    try {
      return this.#context.protocol.onConn?.(packet, this.#contextOf(packet))
    } catch (error) {
      return this.failed(error)
    }
  }

  /** Any answer but success to a Submit. */
  #answerOtherwise(request: RequestPacket, outcome: HandlerOutcome): void {
    const result = resultOf(outcome)
    if (result !== undefined) this.answer(request, result)
    else {
      try {
        if (!isThenable(outcome)) throw invalidResult(this.handlerOf(request), outcome)
        this.#wait(request, outcome)
      } catch (error) {
        this.answer(request, this.failed(error))
      }
    }
    this.taking = this.mayTake()
  }

  #wait(request: RequestPacket, outcome: PromiseLike<unknown>): void {
    if (this.takenAt === 0) this.takenAt = performance.now()
    const kept = this.#context.options.reuseReadBuffer ? request.copy() : request
    this.#current?.keep(kept)
    this.pending.start(kept, outcome, this.takenAt, this.#current)
  }

  protected answer(request: RequestPacket, result: Result): void {
    this.outbound.failures += result
    if (this.outbound.ack(request, result)) this.flushEarly()
    if (request.command === CommandId.Conn) this.#connAnswered(result)
  }

  toAnswer(value: unknown, request: RequestPacket): Result {
    const result = resultOf(value)
    if (result === undefined) throw invalidResult(this.handlerOf(request), value)
    return result
  }

  failed(error: unknown): Result {
    this.reportFailure(error)
    return 1
  }

  protected handlerOf(request: RequestPacket): string {
    return request.command === CommandId.Conn ? 'onConn' : 'onSubmit'
  }

  #connAnswered(result: Result): void {
    this.exclusive = false
    if (result === 0) {
      this.#conn = 'accepted'
      this.authRequired = false
      this.decoder.maxFrameLength = this.#context.options.maxFrameLength
    } else {
      this.#conn = 'refused'
      this.stop('unauthorized')
    }
  }
}
