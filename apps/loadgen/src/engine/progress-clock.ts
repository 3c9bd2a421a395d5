/** Ticks at absolute multiples of the interval, so lateness does not accumulate. */
export class ProgressClock {
  readonly #interval: number
  readonly #onTick: () => void
  #timer: NodeJS.Timeout | undefined
  #since = 0
  #ticks = 0

  constructor(interval: number, onTick: () => void) {
    this.#interval = interval
    this.#onTick = onTick
  }

  startFrom(now: number): void {
    this.#since = now
    this.#ticks = 0
    this.#wait()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #wait(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    this.#ticks = Math.max(this.#ticks, Math.floor((now - this.#since) / this.#interval)) + 1
    this.#timer = setTimeout(
      () => {
        this.#onTick()
        this.#wait()
      },
      this.#since + this.#ticks * this.#interval - now,
    )
  }
}
