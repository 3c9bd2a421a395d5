/** A session, as far as turns of the event loop go. */
export interface Worker {
  /** Does all that can be done now. */
  work(): void
  /** Reads on. */
  readOn(): void
}

/**
 * How long the work of large chunks may take in one half of a turn, in milliseconds: once while sockets are read, once
 * afterwards. So it adds little to a turn, whatever somebody pipelines.
 */
const SLICE = 1

/** How much the last turn says about what large chunks cost; the turns before say the rest. */
const NEWS = 0.25

/**
 * Who works in which turn of the event loop.
 *
 * - What settles in one turn leaves together, and nobody works in the middle of somebody else's work: who is woken works
 *   when all sockets have been read, one after the other. If that is much, it goes on in the next turn, where it may take
 *   as long as reading did: so answers keep up with requests.
 * - Who sent a large chunk is not read again before it is its turn, and only as many are read in one turn as can be
 *   served in it: so nobody pipelines so much that others have to wait for it. What waits for its turn waits in the
 *   system. A chunk that was read and kept would outlive the garbage collector's short rounds, which makes for long ones.
 *   One is read in each turn at least: whoever waits is read at last.
 * - A TLS handshake has a turn to itself: many at once hold nobody up.
 */
export class Turns {
  readonly #woken = new Set<Worker>()
  /** Those who have a large chunk that there was no time for. */
  readonly #late = new Set<Worker>()
  /** Those that are not read until it is their turn. */
  readonly #resting = new Set<Worker>()
  /** Those who wait for a turn to themselves. */
  readonly #queue = new Set<() => void>()
  #scheduled = false
  /** When the last turn ended; 0 when nobody was left waiting then. */
  #endedAt = 0
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
   * @returns whether there is time for it in this turn; if not, the worker works in a later one
   */
  rest(worker: Worker): boolean {
    this.#resting.add(worker)
    this.#schedule()
    const now = performance.now()
    if (this.#chunks === 0) this.#since = now
    else if (now - this.#since >= SLICE) {
      this.#late.add(worker)
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
    const reading = this.#endedAt === 0 ? 0 : now - this.#endedAt
    workFor(Math.max(SLICE, reading), this.#woken)
    workFor(SLICE, this.#late)
    this.#readOn(this.#late.size > 0 ? 1 : Math.max(1, Math.floor(SLICE / this.#cost)))
    this.#giveOne()
    const waiting = this.#woken.size + this.#late.size + this.#resting.size + this.#queue.size
    this.#endedAt = waiting > 0 ? performance.now() : 0
    if (waiting > 0) this.#schedule()
  }

  #readOn(count: number): void {
    let left = count
    for (const worker of this.#resting) {
      if (left === 0) return
      if (this.#late.has(worker)) continue
      left -= 1
      this.#resting.delete(worker)
      worker.readOn()
    }
  }

  #giveOne(): void {
    const [first] = this.#queue
    if (first === undefined) return
    this.#queue.delete(first)
    first()
  }
}

/** Has workers work one after the other, one at least; who comes meanwhile, and who is left, has the next turn. */
function workFor(milliseconds: number, workers: Set<Worker>): void {
  if (workers.size === 0) return
  const end = performance.now() + milliseconds
  let left = workers.size
  for (const worker of workers) {
    if (left === 0) return
    left -= 1
    workers.delete(worker)
    worker.work()
    if (performance.now() > end) return
  }
}
