/** A time in which connections were lost and not made again, in milliseconds since the counting began. */
export interface LoggedOutage {
  readonly from: number
  readonly to: number
  /** The most that were lost at the same time. */
  readonly connections: number
}

/** The most outages that are kept. */
export const MAX_OUTAGES = 1000

/** Notes when connections of one worker were lost, and made again. Times in milliseconds on the monotonic clock. */
export class OutageLog {
  /** Connections that are lost now. */
  down = 0
  #began = Number.POSITIVE_INFINITY
  /** When the present outage began, and the most connections that were lost in it. */
  #since = 0
  #most = 0
  #logged: LoggedOutage[] = []
  /** How long those were that are over, in milliseconds. */
  #total = 0
  #stopped = false

  /** Begins anew: what was lost before and is not made again is lost from now on. */
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

  /** What comes after it is not noted. */
  stop(now: number): void {
    if (this.down > 0) this.#log(now)
    this.#stopped = true
  }

  /** All outages, the one that goes on too. */
  outages(now: number): readonly LoggedOutage[] {
    if (this.#stopped || this.down === 0 || now <= this.#since) return this.#logged
    return [...this.#logged, this.#outageUntil(now)]
  }

  /** How long all of them were together, in milliseconds; those that are not kept too. */
  total(now: number): number {
    const present = this.#stopped || this.down === 0 ? 0 : now - this.#since
    return this.#total + present
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
