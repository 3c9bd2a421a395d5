import type { CloseReason } from './api/close-reason.ts'
import { MAX_TIMER } from './internal/timers.ts'
import { ServerOptionError } from './option-error.ts'

/** Options of `server.close`. */
export interface CloseOptions {
  /**
   * How long the sessions may take to answer what they received and to end, in milliseconds; 0: no limit. Sessions that are
   * left then are cut off as `drain-timeout`. In a later call it counts if its deadline is earlier.
   *
   * @default 10000 in the first call; a later call changes nothing
   */
  readonly timeout?: number | undefined
}

/** The outcome of a close. */
export interface CloseSummary {
  /** Connections that were open when the close began. */
  readonly connections: number
  /** Connections that the deadline or `destroy()` cut off before everything received on them was answered. */
  readonly cutOff: number
  /** Requests that were received on these connections and not answered. */
  readonly unanswered: number
  /** How long the close took, in milliseconds. */
  readonly duration: number
}

/** What a drain needs of a session. */
export interface Drainable {
  /** Whether an answer would be lost if it were closed now. */
  readonly owesAnswers: boolean
  /** How many requests were received and not answered. Called once, before the session is closed. */
  countUnanswered(): number
  drain(): void
  terminate(reason: CloseReason, error?: Error): void
}

const DEFAULT_TIMEOUT = 10_000

/** Ends all sessions of a server: in good order, at a deadline, or at once. */
export class Drain {
  readonly #sessions: Iterable<Drainable>
  readonly #connections: number
  readonly #startedAt = performance.now()
  readonly #loss = { cutOff: 0, unanswered: 0 }
  #cutOffAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #cutsOff = false

  constructor(sessions: ReadonlySet<Drainable>) {
    this.#sessions = sessions
    this.#connections = sessions.size
    // Later, because a handler may close the server, and no session works in the middle of another's work.
    setImmediate(() => {
      if (this.#cutsOff) return
      for (const session of sessions) session.drain()
    })
  }

  /** Cuts off the sessions that are left after a timeout in milliseconds, unless an earlier deadline is set; 0: none. */
  limit(timeout: number): void {
    const cutOffAt = performance.now() + (timeout || Number.POSITIVE_INFINITY)
    if (cutOffAt >= this.#cutOffAt) return
    this.#cutOffAt = cutOffAt
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#cutOff('drain-timeout'), Math.min(timeout, MAX_TIMER))
  }

  /** Closes every connection in the next turn of the event loop, because a handler may call it. */
  destroy(error: Error | undefined): void {
    this.#cutsOff = true
    setImmediate(() => this.#cutOff('destroyed', error))
  }

  /** Called when all sessions are closed. */
  end(): CloseSummary {
    clearTimeout(this.#timer)
    this.#cutOffAt = Number.NEGATIVE_INFINITY
    return { connections: this.#connections, ...this.#loss, duration: performance.now() - this.#startedAt }
  }

  #cutOff(reason: CloseReason, error?: Error): void {
    clearTimeout(this.#timer)
    this.#cutOffAt = Number.NEGATIVE_INFINITY
    for (const session of this.#sessions) {
      const unanswered = session.countUnanswered()
      const owes = unanswered > 0 || session.owesAnswers
      this.#loss.unanswered += unanswered
      this.#loss.cutOff += Number(owes)
      session.terminate(owes || reason === 'destroyed' ? reason : 'draining', error)
    }
  }
}

/**
 * Checks the timeout of a call of `close()`.
 *
 * @param first whether it is the first call
 * @throws ServerOptionError when it is invalid
 */
export function drainTimeoutOf(options: CloseOptions, first: boolean): number {
  const { timeout = first ? DEFAULT_TIMEOUT : 0 } = options
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw new ServerOptionError('timeout', timeout, 'a number of milliseconds, or 0 for no limit')
}
