/** The first wait, in milliseconds. */
const FIRST = 20

/** The most attempts a second of one worker, while the server does not answer. */
const ATTEMPTS_A_SECOND = 1000

/** The longest wait of a thousand connections or fewer, in milliseconds. */
const LONGEST = 1000

/**
 * How long to wait before a lost connection is opened again. The wait doubles each time, up to a second. A random part of
 * it, up to half, is left out, so that connections that were lost together do not come back together.
 */
export class Backoff {
  readonly #longest: number
  #attempts = 0

  /** @param connections of the worker: with more than a thousand, each waits longer */
  constructor(connections: number) {
    this.#longest = Math.max(LONGEST, (connections / ATTEMPTS_A_SECOND) * 1000)
  }

  /** In milliseconds. */
  next(): number {
    const wait = Math.min(this.#longest, FIRST * 2 ** this.#attempts)
    this.#attempts += 1
    return wait * (0.5 + Math.random() / 2)
  }

  /** The next wait is the first one again. */
  reset(): void {
    this.#attempts = 0
  }
}
