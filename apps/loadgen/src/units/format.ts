/** Formats figures for people. The script of the HTML report uses this file too. */

/** What a figure is: milliseconds, a number a second, a number, or a fraction. */
export type Kind = 'time' | 'rate' | 'count' | 'share'

/** Stands for a missing figure: nothing was answered. */
export const NONE = '–'

/** Significant digits of a figure that is rounded. */
const DIGITS = 4

/** The value of a metric, with its unit. */
export function showValue(kind: Kind, value: number | null): string {
  if (value === null) return NONE
  if (kind === 'count') return showCount(value)
  if (kind === 'share') return `${showDigits(value * 100)} %`
  return kind === 'rate' ? `${showNumber(value)}/s` : showTime(value)
}

/** A whole number: `1,234,567`. */
export function showCount(value: number): string {
  return value.toLocaleString('en-US')
}

/** A large number: `10.42 M`, `93.1 k`. */
export function showNumber(value: number, digits = DIGITS): string {
  if (value >= 1e6) return `${showDigits(value / 1e6, digits)} M`
  return value >= 1e4 ? `${showDigits(value / 1e3, digits)} k` : showDigits(value, digits)
}

/** Milliseconds, as `320 µs`, `9.463 ms` or `1.5 s`. */
export function showTime(value: number | null, digits = DIGITS): string {
  if (value === null) return NONE
  if (value >= 1000) return `${showDigits(value / 1000, digits)} s`
  return value >= 1 || value === 0 ? `${showDigits(value, digits)} ms` : `${showDigits(value * 1000, digits)} µs`
}

/** A number a second, whole if it is large: `50,000`, `33.3`, `0.5`. */
export function showWholeRate(value: number): string {
  return value >= 100 ? showCount(Math.round(value)) : showDigits(value, 3)
}

/** Milliseconds in a column: all have the same unit. */
export function showMilliseconds(value: number | null): string {
  return value === null ? NONE : `${value.toFixed(value < 10 ? 3 : 1)} ms`
}

function showDigits(value: number, digits = DIGITS): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: digits })
}
