/** The longest time that a timer of Node can wait, in milliseconds: 24 days. */
export const MAX_TIMEOUT = 2 ** 31 - 1

/** The error of an invalid option. */
export function invalidOption(name: string, value: unknown, expected: string): RangeError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  return new RangeError(`invalid ${name} ${shown}: expected ${expected}`)
}

/** @throws RangeError when it is not a time limit */
export function checkTimeout(timeout: number, name = 'timeout'): void {
  if (typeof timeout === 'number' && timeout >= 0 && timeout <= MAX_TIMEOUT) return
  throw invalidOption(name, timeout, `milliseconds from 1 to ${MAX_TIMEOUT}, or 0 for no limit`)
}

/** @throws RangeError when it is not an integer in the range */
export function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalidOption(name, value, `an integer from ${least} to ${most}`)
}
