/** How long a server may take to end a connection that we ended, in milliseconds, where requests have no limit. */
const LINGER = 5000

/** The clocks of a client that closes. */
export class Closing {
  #linger: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  /** When it must be over, on the monotonic clock. */
  #by = Number.POSITIVE_INFINITY

  /** Of several limits the one counts that is over first. */
  within(timeout: number, onOver: (timeout: number) => void): void {
    const by = performance.now() + timeout
    if (by >= this.#by) return
    this.#by = by
    clearTimeout(this.#timer)
    this.#timer = setTimeout(onOver, timeout, timeout)
  }

  /** Our side has ended: the server is to end its own. */
  linger(timeout: number, onOver: () => void): void {
    this.#linger ??= setTimeout(onOver, timeout || LINGER)
  }

  stop(): void {
    clearTimeout(this.#linger)
    clearTimeout(this.#timer)
  }
}
