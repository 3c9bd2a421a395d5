import type { Parse } from './flag.ts'
import { OptionError } from './option-error.ts'

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
const MILLISECONDS: ReadonlyMap<string | undefined, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** The longest delay of a Node timer, in milliseconds. */
export const MAX_TIMER = 2 ** 31 - 1

const SIZE = /^(\d+)(B|KiB|MiB|GiB)?$/
const BYTES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

/**
 * Parses a time like `500ms`, `10s`, `5m`, `1h`, or `0`.
 *
 * @returns milliseconds
 * @throws OptionError that says what is expected
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const [, amount, unit] = DURATION.exec(text) ?? []
  const factor = MILLISECONDS.get(unit)
  if (factor === undefined) throw new OptionError('expected a time like 500ms, 10s or 5m, or 0 for no limit')
  const milliseconds = Number(amount) * factor
  if (milliseconds > MAX_TIMER) throw new OptionError('expected at most 596h, the longest delay of a timer')
  if (milliseconds > 0 && milliseconds < 1) throw new OptionError('expected at least 1ms, or 0 for no limit')
  return Math.round(milliseconds)
}

/**
 * Parses a size like `4096`, `64KiB`, `1MiB`, or `0`.
 *
 * @returns bytes
 * @throws OptionError that says what is expected
 */
export function parseSize(text: string): number {
  const [, amount, unit = 'B'] = SIZE.exec(text) ?? []
  const factor = BYTES.get(unit)
  if (amount === undefined || factor === undefined) {
    throw new OptionError('expected a size like 4096, 64KiB or 1MiB, or 0 for no limit')
  }
  return checkSafe(Number(amount) * factor)
}

/**
 * Parses a whole number.
 *
 * @throws OptionError that says what is expected
 */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new OptionError('expected a whole number, 0 or more')
  return checkSafe(Number(text))
}

/** @throws OptionError if the number is too large to be exact */
function checkSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new OptionError(`expected at most ${Number.MAX_SAFE_INTEGER}`)
  return value
}

/**
 * Parses a port.
 *
 * @throws OptionError that says what is expected
 */
export function parsePort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new OptionError('expected a port from 0 (any free one) to 65535')
  return port
}

/**
 * Makes a parser of one of some words.
 *
 * @returns throws an OptionError that lists the words
 */
export function parseOneOf<Word extends string>(allowed: readonly Word[]): Parse<Word> {
  const parse = (text: string) => {
    const word = allowed.find((one) => one === text)
    if (word === undefined) throw new OptionError(`expected one of ${allowed.join(', ')}`)
    return word
  }
  return Object.assign(parse, { allowed })
}

/**
 * Parses any text that is not empty.
 *
 * @throws OptionError if it is empty
 */
export function parseText(text: string): string {
  if (text === '') throw new OptionError('expected a text, got an empty one')
  return text
}
