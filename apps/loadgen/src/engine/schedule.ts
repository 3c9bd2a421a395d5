import { createRandom } from '@demo/client-sim'

/** How requests arrive: at equal distances, or at random ones. */
export type Arrival = 'constant' | 'poisson'

/**
 * When requests are due, in milliseconds since the schedule began. It is absolute: whatever happens to one request, the
 * next is due when it always was.
 *
 * ```
 *  constant   |---|---|---|---|---|---|
 *  poisson    |-|-----|--||----|------|    the same rate on average
 * ```
 */
export interface Schedule {
  /** When the next request is due. */
  readonly next: number
  /** Goes on to the one after it. */
  advance(): void
}

class ConstantSchedule implements Schedule {
  next: number
  readonly #first: number
  readonly #interval: number
  #taken = 0

  constructor(interval: number, first: number) {
    this.#interval = interval
    this.#first = first
    this.next = first
  }

  advance(): void {
    this.#taken += 1
    // Not a sum: its rounding errors would add up.
    this.next = this.#first + this.#taken * this.#interval
  }
}

/** A Poisson process: the distances are exponentially distributed, and know nothing of each other. */
class PoissonSchedule implements Schedule {
  next = 0
  readonly #interval: number
  readonly #random: () => number

  constructor(interval: number, seed: number) {
    this.#interval = interval
    this.#random = createRandom(seed)
    this.advance()
  }

  advance(): void {
    this.next -= Math.log(1 - this.#random()) * this.#interval
  }
}

/** What a worker needs to know of the schedule of all. */
export interface ScheduleOptions {
  /** Requests a second, of all workers together. */
  readonly rate: number
  readonly arrival: Arrival
  /** The same seed, the same distances. */
  readonly seed: number
  /** Which worker it is, from 0. */
  readonly worker: number
  readonly workers: number
}

/**
 * A worker's share of the schedule. The shares of constant arrivals interleave; those of Poisson arrivals have each
 * their own distances, and make a Poisson process together.
 */
export function createSchedule({ rate, arrival, seed, worker, workers }: ScheduleOptions): Schedule {
  const interval = 1000 / rate
  if (arrival === 'poisson') return new PoissonSchedule(interval * workers, seed + worker)
  return new ConstantSchedule(interval * workers, interval * worker)
}
