import { CommandId, type PacketCodec, type SubmitView } from '@demo/packet'
import type { HandlerOutcome } from '../api/result.ts'
import type { Connection, CutPlan, FrameBatch, FrameCutter } from '../transport/connection.ts'
import { type SubmitContext, SubmitSession, type WithoutContext } from './submit-session.ts'

/**
 * A {@link SubmitSession} on a connection that cuts frames itself and writes their acks ahead: the loop goes over an index
 * of packets, and an ack of success is one that stays where it is. Whatever is not a plain run of Submits goes the way of
 * all bytes, through the decoder: a Conn, an invalid frame, one that is long, one too many in flight.
 */
export class CutSession<Data> extends SubmitSession<Data> {
  readonly #context: SubmitContext<Data>
  readonly #cutter: FrameCutter
  readonly #plan: CutPlan
  #cutting = false

  constructor(id: number, connection: Connection, cutter: FrameCutter, context: SubmitContext<Data>) {
    super(id, connection, context)
    this.#context = context
    this.#cutter = cutter
    this.#plan = {
      request: CommandId.Submit,
      answer: submitAckOf(context.codec),
      maxFrameLength: context.options.maxFrameLength,
      maxFrames: this.outbound.maxAhead,
    }
  }

  onFrames(batch: FrameBatch): void {
    try {
      this.#receiveFrames(batch)
    } catch (error) {
      this.failInternally(error)
    }
  }

  onFull(): void {
    this.outbound.block()
    this.work()
  }

  protected override get insideFrame(): boolean {
    return super.insideFrame || this.#cutter.tailLength > 0
  }

  /** Once the decoder has nothing left, the connection can cut again. */
  protected override beforeNextRead(): void {
    if (this.#cutting || this.authRequired || this.decoder.insideFrame) return
    this.#cutting = true
    this.#cutter.cutFrames(this.#plan)
  }

  #receiveFrames(batch: FrameBatch): void {
    const received = this.received(batch.freshLength)
    if (received === 'ignored') return
    if (received === 'deferred' || !this.mayTake()) {
      this.decoder.push(this.#takeOver(batch, batch.start, true))
      if (received === 'admitted') this.work()
      return
    }
    const taken = this.#takeRequests(batch)
    if (!this.takesRequests) return
    if (taken < batch.count) this.#decodeFrom(batch, (batch.index[batch.first + 2 * taken] as number) - 4)
    else if (batch.stopped || !this.taking) this.#decodeFrom(batch, batch.cutEnd)
    else if (this.outbound.holdsAnswers) this.work()
  }

  /** The path of every packet where frames are cut natively, as {@link takeRequests} is where they are not. */
  #takeRequests(batch: FrameBatch): number {
    const { codec, options, protocol, submitTakesContext } = this.#context
    const { bytes, index, first, count, answers, answersStart, answerLength } = batch
    const unansweredBefore = this.pending.unanswered
    let taken = 0
    let kept = 0
    this.takenAt = options.observer.answered === undefined ? 0 : performance.now()
    this.taking = true
    while (taken < count && this.taking) {
      const at = first + 2 * taken
      const packet = codec.decodeUnchecked(bytes, index[at] as number, index[at + 1] as number) as SubmitView
      let outcome: HandlerOutcome
      try {
        outcome = submitTakesContext
          ? protocol.onSubmit(packet, this.contextOf(packet))
          : (protocol as WithoutContext).onSubmit(packet)
      } catch (error) {
        outcome = this.failed(error)
      }
      if (outcome === undefined || outcome === 0) {
        if (kept !== taken)
          moveAnswer(answers, answersStart + answerLength * taken, answersStart + answerLength * kept, answerLength)
        kept += 1
      } else this.answerOtherwise(packet, outcome)
      taken += 1
    }
    this.forgetContexts()
    batch.keep(answerLength * kept)
    this.outbound.ahead(answerLength * kept, this.connection.destroyed)
    this.countTaken(taken, unansweredBefore)
    return taken
  }

  /** Leaves the rest of a batch to the decoder. */
  #decodeFrom(batch: FrameBatch, start: number): void {
    const rest = this.#takeOver(batch, start, false)
    if (rest.length > 0) this.workOn(rest, batch.lent)
    else this.work()
  }

  /** The bytes of a batch from `start` on, and all that follow, are the session's. */
  #takeOver(batch: FrameBatch, start: number, copies: boolean): Uint8Array {
    this.#cutting = false
    this.#cutter.cutFrames(undefined)
    this.#cutter.dropTail()
    const bytes = batch.bytes.subarray(start, batch.end)
    return copies && batch.lent ? Buffer.from(bytes) : bytes
  }
}

/** The command of a SubmitAck on the wire, which depends on the dialect. */
function submitAckOf(codec: PacketCodec): number {
  return codec.encode({ command: CommandId.SubmitAck, id: '00000000', result: 0 })[0] as number
}

/** Closes the gap that a request leaves which is not answered yet. A call of copyWithin() costs more than this. */
function moveAnswer(answers: Uint8Array, from: number, to: number, length: number): void {
  for (let i = 0; i < length; i++) answers[to + i] = answers[from + i] as number
}
