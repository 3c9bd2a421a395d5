import type { TimeLimits } from './deadlines.ts'

/** The interval between two sweeps: an eighth of the shortest limit, from 5 to 250 milliseconds. */
const MIN_INTERVAL = 5
const MAX_INTERVAL = 250
const SWEEPS_PER_LIMIT = 8

/** How long a sweep may take in one turn of the event loop, in milliseconds. Closing one connection may take that long. */
const TIME_BUDGET_MS = 1

/** Something whose time limits a sweep checks. */
export interface Sweepable {
  /** @param now in milliseconds on the monotonic clock */
  sweep(now: number): void
}

/**
 * Sweeps all sessions of a server with one timer, often enough for the shortest limit. It sweeps after connections were
 * read: a peer that sent something while the event loop was blocked does not count as silent.
 */
export class Sweeper {
  readonly #interval: number
  readonly #all: Iterable<Sweepable>
  /** The sessions that the current sweep has not reached. */
  #left: Iterator<Sweepable> | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param limits also `tickInterval`, how often sessions are ticked; Infinity: never */
  constructor(limits: TimeLimits & { readonly tickInterval: number }, all: Iterable<Sweepable>) {
    const { handshakeTimeout, frameTimeout, idleTimeout, writeTimeout, handlerTimeout, lingerTimeout, tickInterval } =
      limits
    const shortest = Math.min(
      handshakeTimeout,
      frameTimeout,
      idleTimeout,
      writeTimeout,
      handlerTimeout,
      lingerTimeout,
      tickInterval,
    )
    this.#interval = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, Math.floor(shortest / SWEEPS_PER_LIMIT)))
    this.#all = all
  }

  /** Starts sweeping, unless it has started. It does not keep the process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.#begin(), this.#interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #begin(): void {
    if (this.#left !== undefined) return
    this.#left = this.#all[Symbol.iterator]()
    setImmediate(() => this.#goOn())
  }

  #goOn(): void {
    const now = performance.now()
    for (let next = this.#left?.next(); next !== undefined && next.done !== true; next = this.#left?.next()) {
      next.value.sweep(now)
      if (performance.now() - now < TIME_BUDGET_MS) continue
      setImmediate(() => this.#goOn())
      return
    }
    this.#left = undefined
  }
}
