import { OptionError } from '@demo/cli'

const TIME = /^(\d+(?:\.\d+)?)(us|µs|ms|s)$/
const MILLISECONDS: ReadonlyMap<string | undefined, number> = new Map([
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1000],
])

const NUMBER = /^(\d+(?:\.\d+)?)([kM])?$/
const FACTORS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
])

const RATE = /^(.+?)(?:\/([smh]))?$/
const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
])

const SHARE = /^(\d+(?:\.\d+)?)%$/

/**
 * Parses a latency like `5ms`, `300us`, `1.5s`. It can be shorter than the times of other flags.
 *
 * @returns milliseconds
 * @throws OptionError that says what is expected
 */
export function parseLatency(text: string): number {
  const [, amount, unit] = TIME.exec(text) ?? []
  const factor = MILLISECONDS.get(unit)
  if (factor === undefined) throw new OptionError('expected a time like 300us, 5ms or 1s')
  return roundTo12Digits(Number(amount) * factor)
}

/**
 * Parses a number like `0`, `200k`, `1.5M`.
 *
 * @throws OptionError that says what is expected
 */
export function parseNumber(text: string): number {
  const number = readNumber(text)
  if (number === undefined) throw new OptionError('expected a number like 0, 200k or 1.5M')
  return number
}

/**
 * Parses a rate like `500`, `0.5`, `200k`, `50k/s`, `30/m`, `10/h`.
 *
 * @returns the rate a second
 * @throws OptionError that says what is expected
 */
export function parseRate(text: string): number {
  const [, amount = '', time = 's'] = RATE.exec(text) ?? []
  const number = readNumber(amount)
  const seconds = SECONDS.get(time)
  if (number === undefined || seconds === undefined) {
    throw new OptionError('expected a rate a second like 500, 200k or 1.5M, or another rate like 30/m or 10/h')
  }
  return roundTo12Digits(number / seconds)
}

/**
 * Parses a share like `5%`.
 *
 * @returns a fraction: 0.05
 * @throws OptionError that says what is expected
 */
export function parseShare(text: string): number {
  const [, amount] = SHARE.exec(text) ?? []
  if (amount === undefined) throw new OptionError('expected a share like 5% or 0.5%')
  return roundTo12Digits(Number(amount) / 100)
}

function readNumber(text: string): number | undefined {
  const [, amount, unit = ''] = NUMBER.exec(text) ?? []
  const factor = FACTORS.get(unit)
  if (amount === undefined || factor === undefined) return undefined
  return roundTo12Digits(Number(amount) * factor)
}

/** 300 × 0.001 is 0.3, not 0.30000000000000004. */
function roundTo12Digits(value: number): number {
  return Number(value.toPrecision(12))
}
