/** Figures for a person. The script of the HTML report uses them too. */

/** What a figure is: in milliseconds, a second, so many, or a fraction of something. */
export type Kind = 'time' | 'rate' | 'count' | 'share'

/** Stands where there is no figure: nothing was answered. */
export const NONE = '–'

/** How many digits are shown of what is not shown whole. */
const DIGITS = 4

/** A value of a metric: four digits and a unit. */
export function showValue(kind: Kind, value: number | null): string {
  if (value === null) return NONE
  if (kind === 'count') return showCount(value)
  if (kind === 'share') return `${showDigits(value * 100)} %`
  return kind === 'rate' ? `${showNumber(value)}/s` : showTime(value)
}

/** So many: `1,234,567`. */
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

/** A number a second, whole if that says enough: `50,000`, `33.3`, `0.5`. */
export function showWholeRate(value: number): string {
  return value >= 100 ? showCount(Math.round(value)) : showDigits(value, 3)
}

/** Milliseconds in a column: all with the same unit. */
export function showMilliseconds(value: number | null): string {
  return value === null ? NONE : `${value.toFixed(value < 10 ? 3 : 1)} ms`
}

function showDigits(value: number, digits = DIGITS): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: digits })
}
