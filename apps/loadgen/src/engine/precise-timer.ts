import { MAX_TIMER } from '@demo/cli'

/** Node timers have a resolution of 1 ms and usually fire late. For the last milliseconds, spin instead. */
const SPIN_WINDOW = 2.5

/**
 * A timer that is exact to a few microseconds. For the last milliseconds it checks the clock in each turn of the event
 * loop. So it uses a whole core, and answers are read as soon as they come.
 *
 * We also tried to sleep in a thread that waits on a futex. That uses a quarter of a core, but calls are at least 0.2 ms
 * late: a server that answers in 0.1 ms was reported with 0.5 ms.
 */
export class PreciseTimer {
  /** Milliseconds spent checking the clock while nothing else was done. */
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
   * @param work a number that changes when anything else was done
   */
  constructor(onTime: () => void, work: () => number) {
    this.#onTime = onTime
    this.#work = work
  }

  /** @param at in milliseconds on the monotonic clock. Do not call it again before that time */
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
    if (left > SPIN_WINDOW) this.#timer = setTimeout(this.#look, Math.min(MAX_TIMER, left - SPIN_WINDOW + 1), true)
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
