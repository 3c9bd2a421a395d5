/** How often to check again, in milliseconds, when the next change can't be predicted. */
const RECHECK_INTERVAL = 20

/**
 * Waits until there is nothing left to do. It checks only when it is called, and only while something waits for it.
 */
export class Completion {
  readonly #isDone: () => boolean
  #waiting: (() => void)[] = []

  constructor(isDone: () => boolean) {
    this.#isDone = isDone
  }

  /** Call it after each event that may have been the last. */
  check(): void {
    if (this.#waiting.length === 0 || !this.#isDone()) return
    this.release()
  }

  /** Ends all waiting, done or not. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async done(): Promise<void> {
    if (!this.#isDone()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/**
 * Calls `onSilence` once, when no answer has come for too long while a request waits for one.
 *
 * @param limit in milliseconds; 0 is no limit
 * @param lastAt when the last answer came, in milliseconds on the monotonic clock
 * @param isOverdue whether a request has waited since before a time
 * @returns ends the watch
 */
export function watchForSilence(
  limit: number,
  lastAt: () => number,
  isOverdue: (since: number) => boolean,
  onSilence: () => void,
): () => void {
  if (limit === 0) return () => {}
  const look = () => {
    const now = performance.now()
    const left = lastAt() + limit - now
    if (left > 0) timer = setTimeout(look, left)
    else if (isOverdue(now - limit)) onSilence()
    else timer = setTimeout(look, Math.max(RECHECK_INTERVAL, limit / 10))
  }
  let timer = setTimeout(look, limit)
  return () => clearTimeout(timer)
}
