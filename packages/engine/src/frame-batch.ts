import { ANSWER_LENGTH, EventField } from './binding.ts'

/**
 * What one read of one connection brought, cut into frames. There is one object for all of them: it is valid until
 * `onFrames` returns.
 */
export class FrameBatch {
  /** Where everything lies that was read. */
  bytes: Uint8Array
  /** Where the packets lie in {@link bytes}: two numbers each, where it begins and where it ends. */
  readonly index: Int32Array
  /** The answers that were written ahead, success for each frame, {@link answerLength} bytes each. */
  readonly answers: Uint8Array
  readonly answerLength = ANSWER_LENGTH
  /** Where the first packet is in {@link index}. */
  first = 0
  /** How many frames there are. */
  count = 0
  /** Where the first answer begins in {@link answers}. */
  answersStart = 0
  /** Where the bytes begin, those included that were kept from the read before. */
  start = 0
  /** How many bytes were read now. */
  freshLength = 0
  /** Where the bytes end. */
  end = 0
  /** Where the last frame ends. What follows is the beginning of another, or {@link stopped}. */
  cutEnd = 0
  /** What follows {@link cutEnd} is not kept for the next read: take it, as bytes. */
  stopped = false
  /** Whether {@link bytes} are written over when `onFrames` has returned. */
  lent = false

  readonly #events: Int32Array
  #at = 0

  constructor(events: Int32Array, frames: Int32Array, answers: Uint8Array, bytes: Uint8Array) {
    this.#events = events
    this.index = frames
    this.answers = answers
    this.bytes = bytes
  }

  /**
   * Sends the first so many bytes of the answers, once all connections of this turn were handled, or before the next
   * write of this connection. Without it none is sent.
   */
  keep(length: number): void {
    this.#events[this.#at + EventField.kept] = length
  }

  /** Takes over an event. */
  read(at: number, lent: boolean): void {
    const events = this.#events
    this.#at = at
    this.lent = lent
    this.start = events[at + EventField.start] as number
    this.end = events[at + EventField.end] as number
    this.freshLength = this.end - (events[at + EventField.fresh] as number)
    this.cutEnd = events[at + EventField.cutEnd] as number
    this.stopped = events[at + EventField.stopped] === 1
    this.first = 2 * (events[at + EventField.firstFrame] as number)
    this.count = events[at + EventField.frames] as number
    this.answersStart = events[at + EventField.answers] as number
  }
}
