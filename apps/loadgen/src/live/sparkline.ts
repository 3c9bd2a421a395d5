const BARS = '▁▂▃▄▅▆▇█'

/** Numbers as a row of bars. 0 is the lowest bar, the largest number is the highest. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 0)
  return values
    .map((value) => BARS[largest === 0 ? 0 : Math.round((Math.max(0, value) / largest) * (BARS.length - 1))])
    .join('')
}
