import type { CloseReason } from '../api/close-reason.ts'

/** The limits of a session that a sweep looks at, in milliseconds; Infinity is none. */
export interface TimeLimits {
  readonly handshakeTimeout: number
  readonly frameTimeout: number
  readonly idleTimeout: number
  readonly writeTimeout: number
  readonly handlerTimeout: number
  readonly lingerTimeout: number
}

/** What a sweep sees of a session. */
export interface SessionSnapshot {
  /** A proxy's header, TLS, an asynchronous `onOpen`, or a required Conn is not through. */
  readonly handshaking: boolean
  /** How many frames have come whole so far. */
  readonly framesTaken: number
  /** The bytes received so far end inside a frame, and we are willing to read the rest. */
  readonly insideFrame: boolean
  /** How many bytes were received so far. */
  readonly receivedBytes: number
  /** What it sent waits until other sessions had their turn: the delay is ours. */
  readonly deferred: boolean
  /** Handlers that have not settled. */
  readonly inFlight: number
  /** Bytes of acks that the system took from us so far. */
  readonly sentBytes: number
  /** Bytes of acks that wait to be taken. */
  readonly unsentBytes: number
  /** Everything was answered, and our side of the connection is ended. */
  readonly ended: boolean
}

/** How long a value has been unchanged across sweeps. */
class UnchangedFor<Value> {
  #value: Value | undefined
  #since = 0

  /** Since when, in milliseconds on the monotonic clock. */
  get start(): number {
    return this.#since
  }

  /**
   * How long the value has been this one, in milliseconds; 0 when it is new.
   *
   * @param held how much of the time since it was last asked does not count
   */
  ageOf(value: Value, now: number, held = 0): number {
    if (value !== this.#value) {
      this.#value = value
      this.#since = now
    } else this.#since += held
    return now - this.#since
  }
}

/** A limit that a sweep found exceeded: the reason to close, or `lingered`: the reason is known already. */
export type ExpiredDeadline = Extract<CloseReason, `${string}-timeout`> | 'lingered'

/**
 * The time limits of one session. Each sweep compares what it sees with what the sweep before saw: a time begins at the
 * first sweep that sees it begin. So no limit strikes early, each strikes at most two sweeps late, and the path of a
 * packet pays nothing. While what a peer sent is deferred, the clocks of its frame and of its silence stand still.
 */
export class SessionDeadlines {
  readonly #limits: TimeLimits
  readonly #handshake = new UnchangedFor<boolean>()
  readonly #frame = new UnchangedFor<number>()
  readonly #quiet = new UnchangedFor<number>()
  readonly #sent = new UnchangedFor<number>()
  readonly #ended = new UnchangedFor<boolean>()
  #checkedAt = 0

  constructor(limits: TimeLimits) {
    this.#limits = limits
  }

  /** When a session that does nothing will have been idle for too long, if nothing comes until then. */
  get idleDeadline(): number {
    return this.#quiet.start + this.#limits.idleTimeout
  }

  /** The limit that was passed, or undefined. */
  check(seen: SessionSnapshot, now: number): ExpiredDeadline | undefined {
    const limits = this.#limits
    const held = seen.deferred ? now - this.#checkedAt : 0
    this.#checkedAt = now
    const busy = seen.inFlight > 0 || seen.unsentBytes > 0
    const handshakeAge = this.#handshake.ageOf(seen.handshaking, now)
    const frameAge = this.#frame.ageOf(seen.insideFrame ? seen.framesTaken : -1, now, held)
    const sentAge = this.#sent.ageOf(seen.unsentBytes > 0 ? seen.sentBytes : -1, now)
    const quietAge = this.#quiet.ageOf(busy ? -1 : seen.receivedBytes, now, held)
    const endedAge = this.#ended.ageOf(seen.ended, now)

    if (seen.unsentBytes > 0 && sentAge >= limits.writeTimeout) return 'write-timeout'
    if (seen.ended) return endedAge >= limits.lingerTimeout ? 'lingered' : undefined
    if (seen.handshaking && handshakeAge >= limits.handshakeTimeout) return 'handshake-timeout'
    if (seen.deferred) return undefined
    if (seen.insideFrame && frameAge >= limits.frameTimeout) return 'frame-timeout'
    if (!busy && quietAge >= limits.idleTimeout) return 'idle-timeout'
    return undefined
  }
}
