/** How long to wait for the server's end after ours, in milliseconds, if requests have no time limit. */
const DEFAULT_LINGER = 5000

/** The timers of a client that closes. */
export class CloseTimers {
  #lingerTimer: NodeJS.Timeout | undefined
  #limitTimer: NodeJS.Timeout | undefined
  /** When the limit timer fires, on the monotonic clock. */
  #limitAt = Number.POSITIVE_INFINITY

  /** Limits the time until all is answered. Of several limits the earliest counts. */
  limit(timeout: number, onTimeout: (timeout: number) => void): void {
    const limitAt = performance.now() + timeout
    if (limitAt >= this.#limitAt) return
    this.#limitAt = limitAt
    clearTimeout(this.#limitTimer)
    this.#limitTimer = setTimeout(onTimeout, timeout, timeout)
  }

  /** Limits the time from our end to the server's. */
  linger(timeout: number, onTimeout: () => void): void {
    this.#lingerTimer ??= setTimeout(onTimeout, timeout || DEFAULT_LINGER)
  }

  stop(): void {
    clearTimeout(this.#lingerTimer)
    clearTimeout(this.#limitTimer)
  }
}
