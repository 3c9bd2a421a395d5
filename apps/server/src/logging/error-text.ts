import { inspect } from 'node:util'

/** How much of an error is wanted: its message, its name and message, or its stack. */
type Detail = 'message' | 'name' | 'stack'

/** The text of anything that was thrown. What is not an error has no text of its own, and is shown as Node prints it. */
export function errorText(thrown: unknown, detail: Detail = 'message'): string {
  if (!(thrown instanceof Error)) return inspect(thrown)
  if (detail === 'name') return String(thrown)
  return detail === 'stack' ? (thrown.stack ?? thrown.message) : thrown.message
}
