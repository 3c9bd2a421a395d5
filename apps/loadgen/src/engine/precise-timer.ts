/** The longest that a timer of Node can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** Node's timers know whole milliseconds, and are one late as a rule: the rest of a wait is not left to them. */
const SPIN_WINDOW = 2.5

/**
 * Calls at a time, to a few microseconds: from some milliseconds before it, it looks at the clock in each turn of the
 * event loop. So it takes a whole core, and answers are read at once when they come.
 *
 * To sleep instead was tried, with a thread that waits on a futex: it takes a quarter of a core, but calls come a fifth
 * of a millisecond late at best, and a server that answers in 0.1 ms was told to take 0.5.
 */
export class PreciseTimer {
  /** Milliseconds in which it did nothing but look at the clock, and nobody else did anything. */
  idle = 0
  readonly #onTime: () => void
  readonly #work: () => number
  #at = 0
  #workBefore = 0
  #lookedAt = 0
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  /**
   * @param onTime called once for each {@link callAt}
   * @param work a number that is another one when something was done
   */
  constructor(onTime: () => void, work: () => number) {
    this.#onTime = onTime
    this.#work = work
  }

  /** @param at in milliseconds on the monotonic clock; not to be called again before that */
  callAt(at: number): void {
    this.#at = at
    this.#lookedAt = performance.now()
    this.#workBefore = this.#work()
    this.#wait(this.#lookedAt)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  #wait(now: number): void {
    const left = this.#at - now
    if (left > SPIN_WINDOW) this.#timer = setTimeout(this.#look, Math.min(LONGEST, left - SPIN_WINDOW + 1), true)
    else this.#immediate = setImmediate(this.#look)
  }

  readonly #look = (slept?: boolean): void => {
    const now = performance.now()
    const work = this.#work()
    if (work === this.#workBefore && slept !== true) this.idle += now - this.#lookedAt
    this.#workBefore = work
    this.#lookedAt = now
    if (now >= this.#at) this.#onTime()
    else this.#wait(now)
  }
}
