import { expect } from 'vitest'

/** One figure of a row, and the limit it is held to, as they are printed. */
export interface Figure {
  readonly what: string
  readonly value: string
  /** What it may be; empty when it is only told. */
  readonly limit: string
  readonly reached: boolean
}

/** A figure's value as a reader likes it: `6.4 KiB`. */
type Show = (value: number) => string

/**
 * The figures of one test: each is noted before it is held to its limit, and a limit that is passed does not keep the
 * others from being measured.
 */
export class Figures {
  readonly #notes: Figure[]

  constructor(notes: Figure[]) {
    this.#notes = notes
  }

  /** Without a limit. */
  tell(what: string, value: string): void {
    this.#notes.push({ what, value, limit: '', reached: true })
  }

  exactly(what: string, value: number, expected: number, show: Show = count): void {
    this.#notes.push({ what, value: show(value), limit: show(expected), reached: value === expected })
    expect.soft(value, what).toBe(expected)
  }

  atMost(what: string, value: number, limit: number, show: Show = count): void {
    this.#notes.push({ what, value: show(value), limit: `≤ ${show(limit)}`, reached: value <= limit })
    expect.soft(value, what).toBeLessThanOrEqual(limit)
  }

  atLeast(what: string, value: number, limit: number, show: Show = count): void {
    this.#notes.push({ what, value: show(value), limit: `≥ ${show(limit)}`, reached: value >= limit })
    expect.soft(value, what).toBeGreaterThanOrEqual(limit)
  }

  /** The smallest and the largest of many, both of which must lie near one value. */
  near(what: string, values: readonly number[], wanted: number, tolerance: number, show: Show = count): void {
    const least = Math.min(...values)
    const most = Math.max(...values)
    const reached = least >= wanted - tolerance && most <= wanted + tolerance
    const limit = `${show(wanted)} ± ${show(tolerance)}`
    this.#notes.push({ what, value: `${show(least)} to ${show(most)}`, limit, reached })
    expect.soft(reached, `${what}: ${show(least)} to ${show(most)}`).toBe(true)
  }
}

export const count: Show = (value) => value.toLocaleString('en-US')
export const kibibytes: Show = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`
export const mebibytes: Show = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`
export const percent: Show = (share) => `${(share * 100).toFixed(1)} %`
export const ratio: Show = (value) => value.toFixed(3)
export const seconds: Show = (value) => `${value.toFixed(2)} s`
export const milliseconds: Show = (value) => `${value.toFixed(1)} ms`
