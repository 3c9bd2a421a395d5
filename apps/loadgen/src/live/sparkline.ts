const BARS = '▁▂▃▄▅▆▇█'

/** A row of numbers as a row of bars; the largest is the highest, and 0 the lowest. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 0)
  return values
    .map((value) => BARS[largest === 0 ? 0 : Math.round((Math.max(0, value) / largest) * (BARS.length - 1))])
    .join('')
}
