const INITIAL_CAPACITY = 64

// Indexes are always within the ring, so `as number` replaces a check on the path of each request.

/** The due times of waiting requests, oldest first: a growing ring of numbers that makes no garbage. */
export class DueQueue {
  #times = new Float64Array(INITIAL_CAPACITY)
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(due: number): void {
    if (this.#length === this.#times.length) this.#grow()
    this.#times[(this.#first + this.#length) % this.#times.length] = due
    this.#length += 1
  }

  /** Removes the oldest. @returns NaN if it is empty */
  shift(): number {
    if (this.#length === 0) return Number.NaN
    const due = this.#times[this.#first] as number
    this.#first = (this.#first + 1) % this.#times.length
    this.#length -= 1
    return due
  }

  /** @param place counted from the end; the newest is 1 */
  fromEnd(place: number): number {
    return this.#times[(this.#first + this.#length - place) % this.#times.length] as number
  }

  /** Visits all, oldest first. */
  forEach(visit: (due: number) => void): void {
    for (let i = 0; i < this.#length; i++) visit(this.#times[(this.#first + i) % this.#times.length] as number)
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2)
    const tail = this.#times.subarray(this.#first)
    times.set(tail)
    times.set(this.#times.subarray(0, this.#first), tail.length)
    this.#times = times
    this.#first = 0
  }
}
