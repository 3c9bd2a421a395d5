/** Deaths older than this do not count, in milliseconds. */
const WINDOW = 60_000
/** With this many deaths within the window, workers are given up. */
const MAX_DEATHS = 20
/** With this many deaths in a row before a worker listened, workers are given up. The same for starts that fail. */
const MAX_FAILED_STARTS = 5
const FIRST_DELAY = 50
const MAX_DELAY = 1000

/**
 * Decides when a worker that died is replaced: at once the first time, then after 50, 100, 200, … ms, at most a second; and
 * when workers are given up.
 */
export class RestartBackoff {
  #deaths: number[] = []
  #failedStarts = 0
  #refusals = 0

  /** A worker listens: the cause of earlier failures at the start is gone. */
  started(): void {
    this.#failedStarts = 0
    this.#refusals = 0
  }

  /**
   * A worker died.
   *
   * @param listened whether the worker ever listened
   * @param now in milliseconds on the monotonic clock
   * @returns the delay of the next start in milliseconds, or why there is none
   */
  died(listened: boolean, now: number): number | string {
    this.#deaths = [...this.#deaths.filter((then) => now - then < WINDOW), now]
    if (!listened) this.#failedStarts += 1
    if (this.#failedStarts >= MAX_FAILED_STARTS)
      return `${MAX_FAILED_STARTS} workers in a row died before they listened`
    if (this.#deaths.length >= MAX_DEATHS) return `${MAX_DEATHS} workers died within ${WINDOW / 1000} s`
    return delayAfter(this.#deaths.length)
  }

  /**
   * The system did not start the process of a worker: it has no memory, or no room for another process.
   *
   * @param othersServe whether another worker accepts; then the start is tried again without an end
   * @returns the delay of the next try in milliseconds, or why there is none
   */
  refused(othersServe: boolean): number | string {
    this.#refusals += 1
    if (!othersServe && this.#refusals >= MAX_FAILED_STARTS) {
      return `${MAX_FAILED_STARTS} workers in a row could not be started`
    }
    return delayAfter(this.#refusals)
  }
}

function delayAfter(failures: number): number {
  return failures === 1 ? 0 : Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (failures - 2))
}
