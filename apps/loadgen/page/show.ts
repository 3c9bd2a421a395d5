import { showNumber, showTime, showCount as showWhole } from '../src/units/format.ts'

/** Charts have less space. */
const DIGITS = 3

/** `10.2 M`, `93.1 k`, `7`. */
export function showCount(value: number): string {
  return value >= 1e4 ? showNumber(value, DIGITS) : showWhole(Math.round(value))
}

/** The same for numbers that can be fractions: `0.5`. */
export function showRate(value: number): string {
  return showNumber(value, value >= 1e4 ? DIGITS : 4)
}

/** Milliseconds, as `320 µs`, `9.46 ms` or `1.5 s`. */
export function showMilliseconds(value: number): string {
  return showTime(value, DIGITS)
}

export function showSeconds(value: number): string {
  return `${Number(value.toFixed(2)).toLocaleString('en-US')} s`
}

/** 10 is 90 %, 1000 is 99.9 %. */
export function showPercentile(reciprocal: number): string {
  const nines = Math.max(0, Math.ceil(Math.log10(reciprocal) - 1e-9) - 1)
  return `${Number((100 * (1 - 1 / reciprocal)).toFixed(nines + 1))} %`
}
