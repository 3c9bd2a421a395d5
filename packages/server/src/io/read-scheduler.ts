/** A session, as the scheduler sees it. */
export interface Scheduled {
  /** Does everything that can be done now. */
  work(): void
  /** Reads again. */
  resumeReading(): void
}

/**
 * How long the work of large chunks may take in one half of a turn of the event loop, in milliseconds: once while
 * connections are read, and once afterwards. So a peer that pipelines adds little to a turn.
 */
const TIME_BUDGET_MS = 1

/** Weight of the newest sample in the moving average (EWMA) of what a large chunk costs. */
const EWMA_WEIGHT = 0.25

/**
 * Decides which session works, and is read, in which turn of the event loop.
 *
 * - Answers of handlers that settle in one turn are written together, and no session works in the middle of another's work:
 *   woken sessions work after all connections were read, one after the other. If time runs out, the rest work in the next
 *   turn. They may then take as long as reading did, so answers keep up with requests.
 * - A session that received a large chunk is not read again before its turn. One turn reads only as many of these sessions as
 *   it can serve, so heavy pipeliners do not starve other peers. Unread bytes stay in the system: a chunk that was read
 *   and kept would survive the garbage collector's short cycles and cause long ones. At least one of these sessions is read
 *   in each turn, so each of them is read eventually.
 * - There is one TLS handshake in a turn, so many at once do not delay other peers.
 */
export class ReadScheduler {
  readonly #woken = new Set<Scheduled>()
  /** Sessions with a large chunk that there was no time for. */
  readonly #deferred = new Set<Scheduled>()
  /** Sessions that are not read before their turn. */
  readonly #throttled = new Set<Scheduled>()
  /** Those that wait for the one slot of a turn. */
  readonly #slots = new Set<() => void>()
  #scheduled = false
  /** When the last turn ended; 0 if nothing was left waiting. */
  #endedAt = 0
  /** When the first large chunk of this turn was read, and how many there was time for. */
  #since = 0
  #chunks = 0
  /** How long the work of a large chunk takes on average, in milliseconds. */
  #cost = TIME_BUDGET_MS

  /** Schedules the work of a session: later in this turn, or in one of the next. */
  wake(session: Scheduled): void {
    this.#woken.add(session)
    this.#schedule()
  }

  /**
   * Admits a large chunk that a session has read. The session is not read until it is resumed.
   *
   * @returns whether there is time for the chunk in this turn. If not, the session works in a later turn
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

  /** Resolves when there is time for long work that cannot be split: there is one such slot in each turn. */
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

/** Runs sessions, at least one, until the time budget is used. The rest, and sessions added during the run, wait for the next turn. */
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
