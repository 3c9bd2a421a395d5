import { inspect } from 'node:util'

/** Formats any value for an error's message. It never throws. */
export function show(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value)
    return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })
  } catch {
    return 'a value that cannot be shown'
  }
}

/** Formats a string in single quotes, as in `invalid maxInFlight 'x'`, and any other value as {@link show} does. */
export function quote(value: unknown): string {
  return typeof value === 'string' ? `'${show(value).slice(1, -1)}'` : show(value)
}

/** The message of something thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : show(thrown)
}

/** Formats something thrown for a warning, with its stack if it has one. */
export function showThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : show(thrown)
  } catch {
    return 'a value that cannot be shown'
  }
}
