import { availableParallelism } from 'node:os'
import { OptionError, parseCount } from '@demo/cli'

/** More processes than any machine has use for. */
const MOST = 1024

/**
 * Reads how many processes serve: a number, or `auto`.
 *
 * @throws OptionError that says what is allowed
 */
export function parseWorkers(text: string): number {
  if (text === 'auto') return availableParallelism()
  const count = /^\d+$/.test(text) ? parseCount(text) : 0
  if (count < 1 || count > MOST) throw new OptionError(`it must be a number from 1 to ${MOST}, or auto`)
  return count
}
