/** Deaths older than this are forgotten, in milliseconds. */
const MEMORY = 60_000
/** So many deaths within that time are too many. */
const MOST_DEATHS = 20
/** So many in a row before a worker ever listened are too many. */
const MOST_FAILED_STARTS = 5
const FIRST_DELAY = 50
const LONGEST_DELAY = 1000

/**
 * When a worker that died is replaced: at once the first time, then after 50, 100, 200, … ms, at most a second; and when
 * that is given up.
 */
export class Restarts {
  #deaths: number[] = []
  #failedStarts = 0

  /** A worker listens: whatever kills workers at their start is over. */
  started(): void {
    this.#failedStarts = 0
  }

  /**
   * A worker died.
   *
   * @param listened whether it ever did
   * @param now in milliseconds on the monotonic clock
   * @returns after how many milliseconds to start another, or why not to any more
   */
  died(listened: boolean, now: number): number | string {
    this.#deaths = [...this.#deaths.filter((then) => now - then < MEMORY), now]
    if (!listened) this.#failedStarts += 1
    if (this.#failedStarts >= MOST_FAILED_STARTS)
      return `${MOST_FAILED_STARTS} workers in a row died before they listened`
    if (this.#deaths.length >= MOST_DEATHS) return `${MOST_DEATHS} workers died within ${MEMORY / 1000} s`
    const before = this.#deaths.length - 1
    return before === 0 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (before - 1))
  }
}
