import { availableParallelism } from 'node:os'
import { OptionError, parseCount } from '@demo/cli'

/** The most workers; no machine has use for more. `inThreads` of the library has the same limit for threads. */
const MAX = 1024

/**
 * Reads the number of worker processes: a number, or `auto`.
 *
 * @throws OptionError that says what is allowed
 */
export function parseWorkers(text: string): number {
  return text === 'auto' ? availableParallelism() : parseFrom(1, text, `expected a number from 1 to ${MAX}, or auto`)
}

/**
 * Reads the number of threads that run `onSubmit`.
 *
 * @throws OptionError that says what is allowed
 */
export function parseHandlerThreads(text: string): number {
  return parseFrom(0, text, `expected a number from 0 (no threads) to ${MAX}`)
}

function parseFrom(min: number, text: string, complaint: string): number {
  const count = /^\d+$/.test(text) ? parseCount(text) : -1
  if (count < min || count > MAX) throw new OptionError(complaint)
  return count
}
