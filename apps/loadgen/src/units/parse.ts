import { OptionError } from '@demo/cli'

const TIME = /^(\d+(?:\.\d+)?)(us|µs|ms|s)$/
const MILLISECONDS: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1000 }

const NUMBER = /^(\d+(?:\.\d+)?)([kM])?$/
const TIMES: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 }

const RATE = /^(.+?)(?:\/([smh]))?$/
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

const SHARE = /^(\d+(?:\.\d+)?)%$/

/**
 * Reads a latency like `5ms`, `300us`, `1.5s`. Finer than the times of other flags: latencies are.
 *
 * @returns milliseconds
 * @throws OptionError that says what is allowed
 */
export function parseLatency(text: string): number {
  const [, amount, unit] = TIME.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new OptionError('it must be a time like 300us, 5ms or 1s')
  return roundTo12Digits(Number(amount) * MILLISECONDS[unit])
}

/**
 * Reads a number like `0`, `200k`, `1.5M`.
 *
 * @throws OptionError that says what is allowed
 */
export function parseNumber(text: string): number {
  const number = readNumber(text)
  if (number === undefined) throw new OptionError('it must be a number like 0, 200k or 1.5M')
  return number
}

/**
 * Reads a rate like `500`, `0.5`, `200k`, `50k/s`, `30/m`, `10/h`.
 *
 * @returns a second
 * @throws OptionError that says what is allowed
 */
export function parseRate(text: string): number {
  const [, amount = '', time = 's'] = RATE.exec(text) ?? []
  const number = readNumber(amount)
  if (number === undefined) {
    throw new OptionError('it must be a number a second like 500, 200k or 1.5M, or with its time like 30/m or 10/h')
  }
  return roundTo12Digits(number / SECONDS[time])
}

/**
 * Reads a share like `5%`.
 *
 * @returns a fraction: 0.05
 * @throws OptionError that says what is allowed
 */
export function parseShare(text: string): number {
  const [, amount] = SHARE.exec(text) ?? []
  if (amount === undefined) throw new OptionError('it must be a share like 5% or 0.5%')
  return roundTo12Digits(Number(amount) / 100)
}

function readNumber(text: string): number | undefined {
  const [, amount, unit] = NUMBER.exec(text) ?? []
  if (amount === undefined) return undefined
  return roundTo12Digits(Number(amount) * (unit === undefined ? 1 : TIMES[unit]))
}

/** 300 × 0.001 is 0.3, not 0.30000000000000004. */
function roundTo12Digits(value: number): number {
  return Number(value.toPrecision(12))
}
