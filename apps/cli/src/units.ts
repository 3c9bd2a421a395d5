import type { Parse } from './flag.ts'
import { OptionError } from './option-error.ts'

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The longest that a timer of Node can wait. */
const MAX_DURATION = 2 ** 31 - 1

const SIZE = /^(\d+)(B|KiB|MiB|GiB)?$/
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/**
 * Reads a time like `500ms`, `10s`, `5m`, `1h`, or `0`.
 *
 * @returns milliseconds
 * @throws OptionError that says what is allowed
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const [, amount, unit] = DURATION.exec(text) ?? []
  if (amount === undefined || unit === undefined) {
    throw new OptionError('it must be a time like 500ms, 10s or 5m, or 0 for no limit')
  }
  const milliseconds = Number(amount) * MILLISECONDS[unit]
  if (milliseconds > MAX_DURATION) throw new OptionError('it must be at most 596h, the longest that a timer can wait')
  if (milliseconds > 0 && milliseconds < 1) throw new OptionError('it must be at least 1ms, or 0 for no limit')
  return Math.round(milliseconds)
}

/**
 * Reads a size like `4096`, `64KiB`, `1MiB`, or `0`.
 *
 * @returns bytes
 * @throws OptionError that says what is allowed
 */
export function parseSize(text: string): number {
  const [, amount, unit = 'B'] = SIZE.exec(text) ?? []
  if (amount === undefined) throw new OptionError('it must be a size like 4096, 64KiB or 1MiB, or 0 for no limit')
  return checkSafe(Number(amount) * BYTES[unit])
}

/**
 * Reads a whole number.
 *
 * @throws OptionError that says what is allowed
 */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new OptionError('it must be a whole number, 0 or more')
  return checkSafe(Number(text))
}

/** @throws OptionError when the number is too large to be told from its neighbours */
function checkSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new OptionError(`it must be at most ${Number.MAX_SAFE_INTEGER}`)
  return value
}

/**
 * Reads a port.
 *
 * @throws OptionError that says what is allowed
 */
export function parsePort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new OptionError('it must be a port from 0 (any free one) to 65535')
  return port
}

/**
 * Reads one of some words.
 *
 * @throws OptionError that says what is allowed
 */
export function parseOneOf<Word extends string>(words: readonly Word[]): Parse<Word> {
  const parse = (text: string) => {
    const word = words.find((one) => one === text)
    if (word === undefined) throw new OptionError(`it must be one of ${words.join(', ')}`)
    return word
  }
  return Object.assign(parse, { words })
}

/**
 * Reads any text but none.
 *
 * @throws OptionError when it is empty
 */
export function parseText(text: string): string {
  if (text === '') throw new OptionError('it must not be empty')
  return text
}
