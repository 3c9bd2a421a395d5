import type { Metric } from './metrics.ts'

const TIME = /^(\d+(?:\.\d+)?)(us|µs|ms|s)$/
const MILLISECONDS: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1000 }

const NUMBER = /^(\d+(?:\.\d+)?)(k|M)?$/
const TIMES: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 }

const SHARE = /^(\d+(?:\.\d+)?)%$/

/**
 * Reads a latency like `5ms`, `300us`, `1.5s`. Finer than the times of other flags: latencies are.
 *
 * @returns milliseconds
 * @throws RangeError that says what is allowed
 */
export function parseLatency(text: string): number {
  const [, amount, unit] = TIME.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new RangeError('it must be a time like 300us, 5ms or 1s')
  return withoutDust(Number(amount) * MILLISECONDS[unit])
}

/**
 * Reads a number like `0`, `200k`, `1.5M`.
 *
 * @throws RangeError that says what is allowed
 */
export function parseNumber(text: string): number {
  const [, amount, unit] = NUMBER.exec(text) ?? []
  if (amount === undefined) throw new RangeError('it must be a number like 0, 200k or 1.5M')
  return withoutDust(Number(amount) * (unit === undefined ? 1 : TIMES[unit]))
}

/**
 * Reads a share like `5%`.
 *
 * @returns a fraction: 0.05
 * @throws RangeError that says what is allowed
 */
export function parseShare(text: string): number {
  const [, amount] = SHARE.exec(text) ?? []
  if (amount === undefined) throw new RangeError('it must be a share like 5% or 0.5%')
  return withoutDust(Number(amount) / 100)
}

/** 300 × 0.001 is 0.3, not 0.30000000000000004. */
function withoutDust(value: number): number {
  return Number(value.toPrecision(12))
}

/** A value of a metric for a person: four digits and a unit. */
export function showValue(kind: Metric['kind'], value: number): string {
  if (kind === 'count') return value.toLocaleString('en-US')
  if (kind === 'rate') return `${showNumber(value)}/s`
  if (value >= 1000) return `${digits(value / 1000)} s`
  return value >= 1 || value === 0 ? `${digits(value)} ms` : `${digits(value * 1000)} µs`
}

/** A large number for a person: `10.42 M`, `93.1 k`. */
export function showNumber(value: number): string {
  if (value >= 1e6) return `${digits(value / 1e6)} M`
  return value >= 1e4 ? `${digits(value / 1e3)} k` : digits(value)
}

function digits(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 3 })
}
