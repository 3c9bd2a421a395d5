/** A time in which connections were lost and not open again, in milliseconds since the counting began. */
export interface LoggedOutage {
  readonly from: number
  readonly to: number
  /** The most that were lost at the same time. */
  readonly connections: number
}

/** The most outages that are kept. */
export const MAX_OUTAGES = 1000

/** Records the outages of one worker. Times in milliseconds on the monotonic clock. */
export class OutageLog {
  /** Connections that are lost now. */
  down = 0
  #began = Number.POSITIVE_INFINITY
  /** When the current outage began, and the most connections that were lost in it. */
  #since = 0
  #most = 0
  #logged: LoggedOutage[] = []
  /** The length of all past outages, in milliseconds. */
  #total = 0
  #stopped = false

  /** Starts again from zero. An outage that goes on begins now. */
  startFrom(now: number): void {
    this.#began = this.#since = now
    this.#most = this.down
    this.#logged = []
    this.#total = 0
  }

  lost(now: number): void {
    if (this.down === 0) {
      this.#since = now
      this.#most = 0
    }
    this.down += 1
    this.#most = Math.max(this.#most, this.down)
  }

  reconnected(now: number): void {
    this.down -= 1
    if (this.down === 0) this.#log(now)
  }

  /** Stops recording. */
  stop(now: number): void {
    if (this.down > 0) this.#log(now)
    this.#stopped = true
  }

  /** All outages, including the current one. */
  outages(now: number): readonly LoggedOutage[] {
    if (this.#stopped || this.down === 0 || now <= this.#since) return this.#logged
    return [...this.#logged, this.#outageUntil(now)]
  }

  /** The length of all outages together, in milliseconds, including those that are not kept. */
  total(now: number): number {
    const current = this.#stopped || this.down === 0 ? 0 : now - this.#since
    return this.#total + current
  }

  #log(now: number): void {
    if (this.#stopped || this.#began === Number.POSITIVE_INFINITY || now <= this.#since) return
    this.#total += now - this.#since
    if (this.#logged.length < MAX_OUTAGES) this.#logged.push(this.#outageUntil(now))
  }

  #outageUntil(now: number): LoggedOutage {
    return { from: this.#since - this.#began, to: now - this.#began, connections: this.#most }
  }
}
