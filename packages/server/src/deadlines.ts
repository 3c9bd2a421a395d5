import type { CloseReason } from './close-reason.ts'

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
export interface Situation {
  /** A proxy's header, TLS, or a required Conn is still to come. */
  readonly shakesHands: boolean
  /** How many frames have come whole so far. */
  readonly framesTaken: number
  /** The bytes received so far end inside a frame, and we are willing to read the rest. */
  readonly insideFrame: boolean
  /** How many bytes were received so far. */
  readonly receivedBytes: number
  /** What it sent waits for its turn: that we take long is not its fault. */
  readonly waits: boolean
  /** Handlers that have not settled. */
  readonly inFlight: number
  /** Bytes of acks that the system took from us so far. */
  readonly sentBytes: number
  /** Bytes of acks that wait to be taken. */
  readonly unsentBytes: number
  /** Everything was answered, and our side of the connection is ended. */
  readonly ended: boolean
}

/** Since when something is as it is: a value that one sweep saw after the other. */
class Since<Value> {
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

/** The limits that a sweep finds passed: a reason to close, or `lingered`: the reason is known already. */
export type PassedLimit = Extract<CloseReason, `${string}-timeout`> | 'lingered'

/**
 * When a session has taken too long. It is asked at each sweep, and compares what it sees with what it saw: a time
 * begins at the first sweep that saw it begin. So no limit strikes early, each strikes at most two sweeps late, and the
 * path of a packet pays nothing. While what a peer sent waits for its turn, the time for its frame and its silence stands
 * still.
 */
export class SessionDeadlines {
  readonly #limits: TimeLimits
  readonly #handshake = new Since<boolean>()
  readonly #frame = new Since<number>()
  readonly #quiet = new Since<number>()
  readonly #sent = new Since<number>()
  readonly #ended = new Since<boolean>()
  #checkedAt = 0

  constructor(limits: TimeLimits) {
    this.#limits = limits
  }

  /** When a session that does nothing will have been idle for too long, if nothing comes until then. */
  get idleDeadline(): number {
    return this.#quiet.start + this.#limits.idleTimeout
  }

  /** The limit that was passed, or undefined. */
  check(seen: Situation, now: number): PassedLimit | undefined {
    const limits = this.#limits
    const held = seen.waits ? now - this.#checkedAt : 0
    this.#checkedAt = now
    const busy = seen.inFlight > 0 || seen.unsentBytes > 0
    const handshakeAge = this.#handshake.ageOf(seen.shakesHands, now)
    const frameAge = this.#frame.ageOf(seen.insideFrame ? seen.framesTaken : -1, now, held)
    const sentAge = this.#sent.ageOf(seen.unsentBytes > 0 ? seen.sentBytes : -1, now)
    const quietAge = this.#quiet.ageOf(busy ? -1 : seen.receivedBytes, now, held)
    const endedAge = this.#ended.ageOf(seen.ended, now)

    if (seen.unsentBytes > 0 && sentAge >= limits.writeTimeout) return 'write-timeout'
    if (seen.ended) return endedAge >= limits.lingerTimeout ? 'lingered' : undefined
    if (seen.shakesHands && handshakeAge >= limits.handshakeTimeout) return 'handshake-timeout'
    if (seen.waits) return undefined
    if (seen.insideFrame && frameAge >= limits.frameTimeout) return 'frame-timeout'
    if (!busy && quietAge >= limits.idleTimeout) return 'idle-timeout'
    return undefined
  }
}

const SHORTEST_SWEEP = 5
const LONGEST_SWEEP = 250
const SWEEPS_A_LIMIT = 8

/** How long a sweep may take in one turn of the event loop, in milliseconds: to close a connection may take one. */
const SLICE = 1

/** Something whose time limits are looked at. */
export interface Swept {
  /** @param now in milliseconds on the monotonic clock */
  sweep(now: number): void
}

/**
 * Sweeps all sessions of a server, often enough for the shortest of the limits: one timer for all. It sweeps when sockets
 * have been read: whatever held up the event loop, who has sent something meanwhile is not taken for silent.
 */
export class Sweeper {
  readonly #interval: number
  readonly #all: Iterable<Swept>
  /** Those that a sweep that takes long has still to come to. */
  #left: Iterator<Swept> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(limits: TimeLimits, all: Iterable<Swept>) {
    const { handshakeTimeout, frameTimeout, idleTimeout, writeTimeout, handlerTimeout, lingerTimeout } = limits
    const shortest = Math.min(handshakeTimeout, frameTimeout, idleTimeout, writeTimeout, handlerTimeout, lingerTimeout)
    this.#interval = Math.min(LONGEST_SWEEP, Math.max(SHORTEST_SWEEP, Math.floor(shortest / SWEEPS_A_LIMIT)))
    this.#all = all
  }

  /** Begins to sweep, unless it does already. It does not keep the process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.#begin(), this.#interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #begin(): void {
    if (this.#left !== undefined) return
    this.#left = this.#all[Symbol.iterator]()
    setImmediate(() => this.#goOn())
  }

  #goOn(): void {
    const now = performance.now()
    for (let next = this.#left?.next(); next !== undefined && next.done !== true; next = this.#left?.next()) {
      next.value.sweep(now)
      if (performance.now() - now < SLICE) continue
      setImmediate(() => this.#goOn())
      return
    }
    this.#left = undefined
  }
}
