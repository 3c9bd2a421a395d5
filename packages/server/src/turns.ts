/** A session, as far as turns of the event loop go. */
export interface Worker {
  /** Does all that can be done now. */
  work(): void
  /** Reads on. */
  readOn(): void
}

/**
 * How long large work may take in one half of a turn, in milliseconds: once while sockets are read, once afterwards. So
 * whoever wants little waits for little more than twice that, whatever others pipeline.
 */
const SLICE = 1

/** How much the last turn says about what large chunks cost; the turns before say the rest. */
const NEWS = 0.25

/**
 * Who works in which turn of the event loop.
 *
 * - What settles in one turn leaves together, and nobody works in the middle of somebody else's work: who is woken works
 *   when all sockets have been read, one after the other.
 * - Who sent a large chunk is not read again before it is its turn, and only as many are read in one turn as can be
 *   served in it: so nobody pipelines so much that others have to wait for it. What waits for its turn waits in the
 *   system. A chunk that was read and kept would outlive the garbage collector's short rounds, which makes for long ones.
 * - A TLS handshake has a turn to itself: many at once hold nobody up.
 */
export class Turns {
  readonly #woken = new Set<Worker>()
  /** Those that are not read until it is their turn. */
  readonly #resting = new Set<Worker>()
  /** Those who wait for a turn to themselves. */
  readonly #queue = new Set<() => void>()
  #scheduled = false
  /** When the first large chunk of this turn came, and how many there was time for. */
  #since = 0
  #chunks = 0
  /** What a large chunk costs, in milliseconds. */
  #cost = SLICE

  /** Has a worker work later in this turn, or in one soon after. */
  wake(worker: Worker): void {
    this.#woken.add(worker)
    this.#schedule()
  }

  /**
   * Tells that a worker has a large chunk, and is not read any more until it is told to.
   *
   * @returns whether there is time for it in this turn; if not, the worker is woken in a later one
   */
  rest(worker: Worker): boolean {
    this.#resting.add(worker)
    this.#schedule()
    const now = performance.now()
    if (this.#chunks === 0) this.#since = now
    else if (now - this.#since >= SLICE) {
      this.#woken.add(worker)
      return false
    }
    this.#chunks += 1
    return true
  }

  /** Settles when it is one's turn for work that is long and can't be cut: there is one in each turn. */
  ownTurn(): Promise<void> {
    this.#schedule()
    return new Promise((resolve) => this.#queue.add(resolve))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#scheduled = false
    const now = performance.now()
    if (this.#chunks > 0) this.#cost += NEWS * ((now - this.#since) / this.#chunks - this.#cost)
    this.#chunks = 0
    this.#workUntil(now + SLICE)
    if (this.#woken.size === 0) this.#readOn(Math.max(1, Math.floor(SLICE / this.#cost)))
    this.#giveOne()
    if (this.#woken.size > 0 || this.#resting.size > 0 || this.#queue.size > 0) this.#schedule()
  }

  /** Who is woken meanwhile has the next turn. */
  #workUntil(end: number): void {
    let left = this.#woken.size
    for (const worker of this.#woken) {
      if (left === 0) return
      left -= 1
      this.#woken.delete(worker)
      worker.work()
      if (performance.now() > end) return
    }
  }

  #giveOne(): void {
    const [first] = this.#queue
    if (first === undefined) return
    this.#queue.delete(first)
    first()
  }

  #readOn(count: number): void {
    let left = count
    for (const worker of this.#resting) {
      if (left === 0) return
      left -= 1
      this.#resting.delete(worker)
      worker.readOn()
    }
  }
}
