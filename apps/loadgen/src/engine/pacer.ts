import { createRandom } from '@demo/client-sim'
import { mixSeed } from './mix-seed.ts'
import { RateCurve, type Stage } from './rate-curve.ts'

/** How requests arrive: at constant or at random intervals. */
export type Arrival = 'constant' | 'poisson'

/**
 * When requests are due, in milliseconds since the schedule began. The schedule is absolute: a late request does not
 * delay the next one.
 *
 * ```
 *  constant   |---|---|---|---|---|---|
 *  poisson    |-|-----|--||----|------|    the same rate on average
 * ```
 */
export interface Pacer {
  /** When the next request is due. */
  readonly next: number
  /** Moves to the next request. */
  advance(): void
  /**
   * Skips up to `most` requests that are due before a time, without visiting each.
   *
   * @param began when the schedule began, on the clock of `before`: a difference of the two would be rounded
   * @returns how many were skipped
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
    // The quotient is rounded, so it can be off by one.
    while (began + this.#at(taken) < before) taken += 1
    while (began + this.#at(taken - 1) >= before) taken -= 1
    const skipped = Math.min(most, taken - this.#taken)
    this.#taken += skipped
    this.next = this.#at(this.#taken)
    return skipped
  }

  /** A product, because the rounding errors of a sum would add up. */
  #at(number: number): number {
    return this.#first + number * this.#interval
  }
}

/** From this mean on, the number of arrivals is drawn at once: it is then normally distributed. */
const MANY = 1000

/** A Poisson process: the intervals are exponentially distributed and independent. */
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
      // Poisson arrivals are memoryless.
      this.next = before - began
      this.advance()
    }
    for (; began + this.next < before && skipped < most; skipped++) this.advance()
    return skipped
  }

  /** A random number of the standard normal distribution (Box-Muller). */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()))
    return radius * Math.cos(2 * Math.PI * this.#random())
  }
}

/** Requests at a changing rate: another pacer gives request numbers, and the curve says when a number is due. */
class CurvePacer implements Pacer {
  readonly #curve: RateCurve
  /** Its times are request numbers. */
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
    // Rounding can leave one.
    for (; skipped < most && began + this.next < before; skipped++) this.advance()
    return skipped
  }
}

/** The schedule of all workers, and which worker this is. */
export interface PacerOptions {
  /** Requests a second of all workers together; with stages, at their beginning. */
  readonly rate: number
  /** How the rate changes. */
  readonly stages?: readonly Stage[] | undefined
  readonly arrival: Arrival
  /** The same seed gives the same intervals. */
  readonly seed: number
  /** Which worker it is, from 0. */
  readonly worker: number
  readonly workers: number
}

/**
 * A worker's share of the schedule. Shares of constant arrivals interleave. Shares of Poisson arrivals are independent,
 * and together they are a Poisson process.
 */
export function createPacer({ rate, stages, arrival, seed, worker, workers }: PacerOptions): Pacer {
  const interval = stages === undefined ? 1000 / rate : 1
  const pacer =
    arrival === 'poisson'
      ? new PoissonPacer(interval * workers, mixSeed(seed, worker))
      : new ConstantPacer(interval * workers, interval * worker)
  return stages === undefined ? pacer : new CurvePacer(new RateCurve(rate, stages), pacer)
}
