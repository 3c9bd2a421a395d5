/** How often it is looked again, in milliseconds, where it can't be known when there will be something to see. */
const RECHECK_INTERVAL = 20

/**
 * Waits until there is nothing left to do. It looks when it is asked to: after whatever may have been the last thing.
 * Nothing is looked at while nobody waits.
 */
export class Completion {
  readonly #isDone: () => boolean
  #waiting: (() => void)[] = []

  constructor(isDone: () => boolean) {
    this.#isDone = isDone
  }

  /** To be called after whatever may have been the last thing. */
  check(): void {
    if (this.#waiting.length === 0 || !this.#isDone()) return
    this.release()
  }

  /** Lets all go that wait, done or not. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async done(): Promise<void> {
    if (!this.#isDone()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/**
 * Calls once when nothing has come for too long while something is waited for.
 *
 * @param limit for how long, in milliseconds; 0 never calls
 * @param lastAt when something came last, in milliseconds on the monotonic clock
 * @param isOverdue whether something has been waited for since before a time
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
