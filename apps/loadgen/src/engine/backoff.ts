/** The first wait, in milliseconds. */
const FIRST = 20

/** How many attempts a second all connections of one worker may make together where nothing answers. */
const ATTEMPTS_A_SECOND = 1000

/** The longest wait of few connections, in milliseconds. */
const LONGEST = 1000

/**
 * How long to wait before a lost connection is made again: each time twice as long as before, up to a second. A random
 * half of it is left off, so that connections that were lost together do not come back together.
 */
export class Backoff {
  readonly #longest: number
  #attempts = 0

  /** @param connections how many there are of the same kind: with very many each waits longer */
  constructor(connections: number) {
    this.#longest = Math.max(LONGEST, (connections / ATTEMPTS_A_SECOND) * 1000)
  }

  /** In milliseconds. */
  next(): number {
    const wait = Math.min(this.#longest, FIRST * 2 ** this.#attempts)
    this.#attempts += 1
    return wait * (0.5 + Math.random() / 2)
  }

  /** The server is well: the next wait is the first again. */
  reset(): void {
    this.#attempts = 0
  }
}
