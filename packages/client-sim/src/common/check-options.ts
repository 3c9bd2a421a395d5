/** The longest that a timer of Node can wait, in milliseconds: 24 days. */
const MAX_TIMEOUT = 2 ** 31 - 1

/** @throws RangeError when it is no time limit */
export function checkTimeout(timeout: number, name = 'timeout'): number {
  if (typeof timeout === 'number' && timeout >= 0 && timeout <= MAX_TIMEOUT) return timeout
  throw new RangeError(`${name} is ${timeout}; it must be from 1 to ${MAX_TIMEOUT} milliseconds, or 0 for no limit`)
}
