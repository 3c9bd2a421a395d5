import type { EngineAddress } from './address.ts'
import { type Binding, SlotField, SlotFlag } from './binding.ts'
import type { FrameBatch } from './frame-batch.ts'
import { systemError } from './system-error.ts'

/** As many answers as one read can bring, and more. */
const MOST_ANSWERS = 64 * 1024

/** What the owner of a connection hears. */
export interface EngineEvents {
  /** The connection that was begun is there. Only after {@link Engine.connect}. */
  onConnect?(): void
  /** Bytes were read. `lent`: they are written over when this returns. */
  onBytes(bytes: Uint8Array, lent: boolean): void
  /** Bytes were read, and cut. Only after {@link EngineConnection.cutFrames}. */
  onFrames?(batch: FrameBatch): void
  /** Bytes were read, and cut into answers: its index has the serial number and the result of each. Only after {@link EngineConnection.cutAnswers}. */
  onAnswers?(batch: FrameBatch): void
  /** The peer ended its side. */
  onEnd(): void
  /** Answers written ahead have filled it up to the high-water mark: write no more before `onWritable`. */
  onFull?(): void
  /** Everything written has been sent, after `onFull`, or after {@link EngineConnection.write} returned false. */
  onWritable(): void
  /** The connection failed. `onClose` follows. */
  onError(error: NodeJS.ErrnoException): void
  /** The connection is closed. Called exactly once, and last. */
  onClose(): void
}

/** What to cut out of the bytes of a connection, and how to answer it ahead. */
export interface CutPlan {
  /** The command of the requests that are cut: what begins with another is left to {@link EngineEvents.onFrames}. */
  readonly request: number
  /** The command of their answers. */
  readonly answer: number
  /** The longest frame, header included, in bytes. */
  readonly maxFrameLength: number
  /** The most frames at once. */
  readonly maxFrames: number
}

/** What a connection needs of its engine. */
export interface ConnectionOwner {
  readonly binding: Binding
  /** The connection has given its slot back. */
  released(slot: number, connection: EngineConnection): void
}

/** One connection. It is read after {@link open}. It is a `Connection` of `@demo/server`. */
export class EngineConnection {
  /** The peer's IP address; undefined on a Unix socket. Whoever reads the header of a proxy sets the client's. */
  remoteAddress: string | undefined
  /** The peer's port; undefined on a Unix socket. */
  remotePort: number | undefined
  /** Bytes read so far. */
  bytesRead = 0
  readonly #engine: ConnectionOwner
  readonly #slot: number
  readonly #slots: Int32Array
  readonly #at: number
  readonly #highWaterMark: number
  #events: EngineEvents | undefined
  #ended = false
  #finished = false
  #destroyed = false
  /** Where it connects to, until it is connected. */
  #connectsTo: EngineAddress | undefined
  /** Bytes that were given back, to be delivered again. */
  #unread: Uint8Array | undefined

  /** @internal */
  constructor(
    engine: ConnectionOwner,
    slot: number,
    slots: Int32Array,
    highWaterMark: number,
    connectsTo: EngineAddress | undefined,
  ) {
    this.#engine = engine
    this.#slot = slot
    this.#slots = slots
    this.#at = slot * SlotField.fields
    this.#highWaterMark = highWaterMark
    this.#connectsTo = connectsTo
    engine.binding.setHighWaterMark(slot, highWaterMark)
    const [address, port] = engine.binding.peer(slot)
    this.remoteAddress = address === '' ? undefined : withoutMapping(address)
    this.remotePort = address === '' ? undefined : port
  }

  /** @internal */
  get events(): EngineEvents | undefined {
    return this.#events
  }

  /** Whether it was closed. */
  get destroyed(): boolean {
    return this.#destroyed
  }

  /** Bytes written that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#destroyed ? 0 : (this.#slots[this.#at + SlotField.unsent] as number)
  }

  /** Bytes of a frame that is not whole, which were read and are kept for the next read. */
  get tailLength(): number {
    return this.#destroyed ? 0 : (this.#slots[this.#at + SlotField.tail] as number)
  }

  /** There is none: the engine knows no TLS. */
  get peerCertificate(): undefined {
    return undefined
  }

  /** A write leaves its bytes to the caller. */
  get copiesWrites(): true {
    return true
  }

  /** This: it can cut frames. */
  get cutter(): this {
    return this
  }

  /** Bytes that were read and given back by {@link unread}, and not delivered again yet. */
  get bufferedBytes(): number {
    return this.#unread?.length ?? 0
  }

  /** Sets who hears what happens from now on. Called before anything else. */
  attach(events: EngineEvents): void {
    this.#events = events
  }

  /** Begins to read. */
  open(): void {
    if (this.#unread === undefined) this.resume()
    else {
      process.nextTick(() => {
        this.deliverBuffered()
        this.resume()
      })
    }
  }

  /** Gives back bytes that were read, before {@link open}: they are delivered again first. */
  unread(bytes: Uint8Array): void {
    this.#unread = bytes
  }

  /** Delivers at once what was given back. */
  deliverBuffered(): void {
    const bytes = this.#unread
    this.#unread = undefined
    if (bytes !== undefined && !this.#destroyed) this.#events?.onBytes(bytes, false)
  }

  /** Stops reading. */
  pause(): void {
    if (!this.#destroyed) this.#setFlags(this.#flags | SlotFlag.paused)
  }

  /** Reads again. */
  resume(): void {
    if (this.#destroyed) return
    const flags = this.#flags
    this.#setFlags(flags & ~SlotFlag.paused)
    if ((flags & SlotFlag.ready) !== 0) this.#engine.binding.resume(this.#slot)
  }

  /** From the next read on, what comes is cut into frames: `onFrames` instead of `onBytes`. Undefined: no more. */
  cutFrames(plan: CutPlan | undefined): void {
    if (this.#destroyed) return
    if (plan === undefined) {
      this.#setFlags(this.#flags & ~SlotFlag.cut)
      return
    }
    this.#engine.binding.setPlan(this.#slot, plan.request, plan.answer, plan.maxFrameLength, plan.maxFrames)
    this.#setFlags(this.#flags | SlotFlag.cut)
  }

  /** From the next read on, what comes is cut into answers with this command: `onAnswers` instead of `onBytes`. */
  cutAnswers(answer: number): void {
    if (this.#destroyed) return
    this.#engine.binding.setPlan(this.#slot, 0, answer, 0, MOST_ANSWERS)
    this.#setFlags(this.#flags | SlotFlag.cut)
  }

  /** The owner has taken over what was kept for the next read. */
  dropTail(): void {
    if (!this.#destroyed) this.#slots[this.#at + SlotField.tail] = 0
  }

  /**
   * Writes the first `length` of some bytes. They may be written over when it returns.
   *
   * @returns false: as much as the high-water mark is unsent; write no more before `onWritable`
   */
  write(bytes: Uint8Array, length = bytes.length): boolean {
    return !this.#destroyed && this.#engine.binding.write(this.#slot, bytes, length) < this.#highWaterMark
  }

  /**
   * Writes requests with serial numbers from `serial` on: each the whole frame, with another ID.
   *
   * @returns as {@link write}
   */
  sendRequests(frame: Uint8Array, serial: number, count: number): boolean {
    return !this.#destroyed && this.#engine.binding.sendRequests(this.#slot, frame, serial, count) < this.#highWaterMark
  }

  /** Ends our side, after everything written has been sent. */
  end(): void {
    if (!this.#destroyed && this.#engine.binding.end(this.#slot) === 1) this.finished()
  }

  /** Closes both sides at once. What is unsent is lost. `onClose` follows in a later turn of the event loop. */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#engine.binding.close(this.#slot)
    this.#engine.released(this.#slot, this)
  }

  /** @internal The connection that was begun is there. */
  connected(): void {
    this.#connectsTo = undefined
    this.#events?.onConnect?.()
  }

  /** @internal The peer ended its side. */
  peerEnded(): void {
    this.#ended = true
    try {
      this.#events?.onEnd()
    } finally {
      if (this.#finished) this.destroy()
    }
  }

  /** @internal Our side is ended. */
  finished(): void {
    this.#finished = true
    if (this.#ended) this.destroy()
  }

  /** @internal */
  failed(errno: number): void {
    const where = this.#connectsTo
    try {
      this.#events?.onError(systemError(errno, where === undefined ? 'read' : 'connect', where))
    } finally {
      this.destroy()
    }
  }

  get #flags(): number {
    return this.#slots[this.#at + SlotField.flags] as number
  }

  #setFlags(flags: number): void {
    this.#slots[this.#at + SlotField.flags] = flags
  }
}

/** An IPv4 address as such, also where a socket of both families has accepted it. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}
