/** A session, as the scheduler sees it. */
export interface Scheduled {
  /** Does all that can be done now. */
  work(): void
  /** Reads on. */
  resumeReading(): void
}

/**
 * How long the work of large chunks may take in one half of a turn, in milliseconds: once while connections are read,
 * once afterwards. So it adds little to a turn, however much one peer pipelines.
 */
const TIME_BUDGET_MS = 1

/** Weight of the newest sample in the moving average (EWMA) of what a large chunk costs. */
const EWMA_WEIGHT = 0.25

/**
 * Decides which session works, and is read, in which turn of the event loop.
 *
 * - What settles in one turn leaves together, and no session works in the middle of another's work: a session that is
 *   woken works when all connections have been read, one session after the other. If that is much, it goes on in the next
 *   turn, where it may take as long as reading did: so answers keep up with requests.
 * - A session that sent a large chunk is not read again before its turn, and only as many are read in one turn as can be
 *   served in it: so heavy pipeliners do not starve other peers. What waits for its turn waits in the system. A chunk that
 *   was read and kept would outlive the garbage collector's short rounds, and cause long ones. One session is read in each
 *   turn at least: every one is read at last.
 * - A TLS handshake has a turn to itself: many at once hold nobody up.
 */
export class ReadScheduler {
  readonly #woken = new Set<Scheduled>()
  /** Sessions that have a large chunk for which there was no time. */
  readonly #deferred = new Set<Scheduled>()
  /** Sessions that are not read until their turn. */
  readonly #throttled = new Set<Scheduled>()
  /** Waiters for a turn to themselves. */
  readonly #slots = new Set<() => void>()
  #scheduled = false
  /** When the last turn ended; 0 when nobody was left waiting then. */
  #endedAt = 0
  /** When the first large chunk of this turn came, and for how many there was time. */
  #since = 0
  #chunks = 0
  /** What a large chunk costs, in milliseconds. */
  #cost = TIME_BUDGET_MS

  /** Has a session work later in this turn, or in one soon after. */
  wake(session: Scheduled): void {
    this.#woken.add(session)
    this.#schedule()
  }

  /**
   * A session has a large chunk, and is not read until it is resumed.
   *
   * @returns whether there is time for the chunk in this turn; if not, the session works in a later one
   */
  admit(session: Scheduled): boolean {
    this.#throttled.add(session)
    this.#schedule()
    const now = performance.now()
    if (this.#chunks === 0) this.#since = now
    else if (now - this.#since >= TIME_BUDGET_MS) {
      this.#deferred.add(session)
      return false
    }
    this.#chunks += 1
    return true
  }

  /** Resolves when there is time for work that is long and can't be split: there is one such slot in each turn. */
  nextSlot(): Promise<void> {
    this.#schedule()
    return new Promise((resolve) => this.#slots.add(resolve))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#scheduled = false
    const now = performance.now()
    if (this.#chunks > 0) this.#cost += EWMA_WEIGHT * ((now - this.#since) / this.#chunks - this.#cost)
    this.#chunks = 0
    const reading = this.#endedAt === 0 ? 0 : now - this.#endedAt
    workFor(Math.max(TIME_BUDGET_MS, reading), this.#woken)
    workFor(TIME_BUDGET_MS, this.#deferred)
    this.#resumeReading(this.#deferred.size > 0 ? 1 : Math.max(1, Math.floor(TIME_BUDGET_MS / this.#cost)))
    this.#giveSlot()
    const waiting = this.#woken.size + this.#deferred.size + this.#throttled.size + this.#slots.size
    this.#endedAt = waiting > 0 ? performance.now() : 0
    if (waiting > 0) this.#schedule()
  }

  #resumeReading(count: number): void {
    let left = count
    for (const session of this.#throttled) {
      if (left === 0) return
      if (this.#deferred.has(session)) continue
      left -= 1
      this.#throttled.delete(session)
      session.resumeReading()
    }
  }

  #giveSlot(): void {
    const [first] = this.#slots
    if (first === undefined) return
    this.#slots.delete(first)
    first()
  }
}

/** Runs sessions until the time budget is used, at least one; the rest, and those that come meanwhile, wait for the next turn. */
function workFor(milliseconds: number, sessions: Set<Scheduled>): void {
  if (sessions.size === 0) return
  const end = performance.now() + milliseconds
  let left = sessions.size
  for (const session of sessions) {
    if (left === 0) return
    left -= 1
    sessions.delete(session)
    session.work()
    if (performance.now() > end) return
  }
}
