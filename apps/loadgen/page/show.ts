const digits = (value: number) => Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 })

/** `10.2 M`, `93.1 k`, `7`. */
export function showCount(value: number): string {
  if (value >= 1e6) return `${digits(value / 1e6)} M`
  if (value >= 1e4) return `${digits(value / 1e3)} k`
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** Milliseconds, as `320 µs`, `9.46 ms` or `1.5 s`. */
export function showMilliseconds(value: number): string {
  if (value >= 1000) return `${digits(value / 1000)} s`
  return value >= 1 || value === 0 ? `${digits(value)} ms` : `${digits(value * 1000)} µs`
}

export function showSeconds(value: number): string {
  return `${Number(value.toFixed(2)).toLocaleString('en-US')} s`
}

/** 10 is 90 %, 1000 is 99.9 %. */
export function showPercentile(reciprocal: number): string {
  const nines = Math.max(0, Math.ceil(Math.log10(reciprocal) - 1e-9) - 1)
  return `${Number((100 * (1 - 1 / reciprocal)).toFixed(nines + 1))} %`
}
