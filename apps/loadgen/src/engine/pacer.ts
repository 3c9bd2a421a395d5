import { createRandom } from '@demo/client-sim'
import { mixSeed } from './mix-seed.ts'
import { RateCurve, type Stage } from './rate-curve.ts'

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
export interface Pacer {
  /** When the next request is due. */
  readonly next: number
  /** Goes on to the one after it. */
  advance(): void
  /**
   * Passes over what is due before a time, at most so many, without looking at each.
   *
   * @param began when the schedule did, on the clock of `before`: a difference of the two would be rounded
   * @returns how many they were
   */
  skip(began: number, before: number, most: number): number
}

class ConstantPacer implements Pacer {
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
    this.next = this.#at(this.#taken)
  }

  skip(began: number, before: number, most: number): number {
    if (began + this.next >= before) return 0
    let taken = Math.ceil((before - began - this.#first) / this.#interval)
    // A quotient is rounded: the exact one is next to it.
    while (began + this.#at(taken) < before) taken += 1
    while (began + this.#at(taken - 1) >= before) taken -= 1
    const skipped = Math.min(most, taken - this.#taken)
    this.#taken += skipped
    this.next = this.#at(this.#taken)
    return skipped
  }

  /** Not a sum: its rounding errors would add up. */
  #at(number: number): number {
    return this.#first + number * this.#interval
  }
}

/** From here the number of arrivals in a time is drawn, and not each of them: its distribution is a normal one by then. */
const MANY = 1000

/** A Poisson process: the distances are exponentially distributed, and know nothing of each other. */
class PoissonPacer implements Pacer {
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

  skip(began: number, before: number, most: number): number {
    let skipped = 0
    const mean = (before - began - this.next) / this.#interval
    if (mean > MANY && most > MANY) {
      skipped = Math.min(most, Math.max(1, 1 + Math.round(mean + Math.sqrt(mean) * this.#normal())))
      // What comes after a time knows nothing of what came before.
      this.next = before - began
      this.advance()
    }
    for (; began + this.next < before && skipped < most; skipped++) this.advance()
    return skipped
  }

  /** A random number of the standard normal distribution: Box and Muller's. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()))
    return radius * Math.cos(2 * Math.PI * this.#random())
  }
}

/** Requests at the rate of a curve: what is at equal or random distances in their number is due when the curve says. */
class CurvePacer implements Pacer {
  readonly #curve: RateCurve
  /** Its times are numbers of requests. */
  readonly #numbers: Pacer

  constructor(curve: RateCurve, numbers: Pacer) {
    this.#curve = curve
    this.#numbers = numbers
  }

  get next(): number {
    return this.#curve.timeOf(this.#numbers.next)
  }

  advance(): void {
    this.#numbers.advance()
  }

  skip(began: number, before: number, most: number): number {
    let skipped = this.#numbers.skip(0, this.#curve.numberBy(before - began), most)
    // What was rounded may have left one.
    for (; skipped < most && began + this.next < before; skipped++) this.advance()
    return skipped
  }
}

/** What a worker needs to know of the schedule of all. */
export interface PacerOptions {
  /** Requests a second, of all workers together; where there are stages, at their beginning. */
  readonly rate: number
  /** How the rate changes. */
  readonly stages?: readonly Stage[] | undefined
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
export function createPacer({ rate, stages, arrival, seed, worker, workers }: PacerOptions): Pacer {
  const distance = stages === undefined ? 1000 / rate : 1
  const pacer =
    arrival === 'poisson'
      ? new PoissonPacer(distance * workers, mixSeed(seed, worker))
      : new ConstantPacer(distance * workers, distance * worker)
  return stages === undefined ? pacer : new CurvePacer(new RateCurve(rate, stages), pacer)
}
