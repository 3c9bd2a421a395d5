import type { CloseReason } from '../api/close-reason.ts'

/** The time limits of a session that a sweep checks, in milliseconds; Infinity: no limit. */
export interface TimeLimits {
  readonly handshakeTimeout: number
  readonly frameTimeout: number
  readonly idleTimeout: number
  readonly writeTimeout: number
  readonly handlerTimeout: number
  readonly lingerTimeout: number
}

/** The state of a session at a sweep. */
export interface SessionSnapshot {
  /** The proxy's header, TLS, an asynchronous `onOpen` or a required Conn is not done. */
  readonly handshaking: boolean
  /** How many complete frames were taken so far. */
  readonly framesTaken: number
  /** The bytes received so far end inside a frame, and the session is ready to read the rest. */
  readonly insideFrame: boolean
  /** How many bytes were received so far. */
  readonly receivedBytes: number
  /** Received bytes wait until other sessions had their turn: the delay is the server's. */
  readonly deferred: boolean
  /** How many handlers have not settled. */
  readonly inFlight: number
  /** Bytes of acks that the system took so far. */
  readonly sentBytes: number
  /** Bytes of acks that the system has not taken. */
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
   * @param held how much of the time since the last call does not count
   */
  ageOf(value: Value, now: number, held = 0): number {
    if (value !== this.#value) {
      this.#value = value
      this.#since = now
    } else this.#since += held
    return now - this.#since
  }
}

/** An exceeded limit: the reason to close. After `lingered` the reason is already set. */
export type ExpiredDeadline = Extract<CloseReason, `${string}-timeout`> | 'lingered'

/**
 * The time limits of one session. Each sweep compares the state of the session with the one before. A period begins at the
 * first sweep that sees it. So no limit expires early, each expires at most two sweeps late, and the path of a packet
 * has no cost. While received bytes are deferred, the clocks of the frame and of the idle time stand still.
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

  /** When the idle limit of a quiet session expires, if nothing is received before. */
  get idleDeadline(): number {
    return this.#quiet.start + this.#limits.idleTimeout
  }

  /** The limit that is exceeded, or undefined. */
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
