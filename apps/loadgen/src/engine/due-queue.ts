const FIRST_ROOM = 64

/** When the requests were due that wait for room, oldest first: a ring of numbers that grows, and costs no garbage. */
export class DueQueue {
  #times = new Float64Array(FIRST_ROOM)
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

  /** The oldest, or NaN when there is none. */
  shift(): number {
    if (this.#length === 0) return Number.NaN
    const due = this.#times[this.#first]
    this.#first = (this.#first + 1) % this.#times.length
    this.#length -= 1
    return due
  }

  /** The one so many places from the end, from 1. */
  fromEnd(place: number): number {
    return this.#times[(this.#first + this.#length - place) % this.#times.length]
  }

  /** Calls for each, oldest first; they stay. */
  forEach(visit: (due: number) => void): void {
    for (let i = 0; i < this.#length; i++) visit(this.#times[(this.#first + i) % this.#times.length])
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
