import { inspect } from 'node:util'

/** A value that somebody gave us, for an error's message. Whatever it is, showing it does not throw. */
export function show(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value)
    return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })
  } catch {
    return 'something that can not be shown'
  }
}

/** The same, with a string in single quotes, as in `invalid maxInFlight 'x'`. */
export function quote(value: unknown): string {
  return typeof value === 'string' ? `'${show(value).slice(1, -1)}'` : show(value)
}

/** Something thrown, for a warning: with its stack where it has one. */
export function showThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : show(thrown)
  } catch {
    return 'something that can not be shown'
  }
}
