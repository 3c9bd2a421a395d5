import type { Result } from '../api/result.ts'
import { show } from '../internal/format-value.ts'

/** The result that a handler's value means, or undefined if it means none. */
export function resultOf(value: unknown): Result | undefined {
  if (value === undefined || value === 0) return 0
  return value === 1 ? 1 : undefined
}

/** @throws what reading `then` throws */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'then' in value && typeof value.then === 'function'
}

const { then: nativeThen } = Promise.prototype

/**
 * Calls one of the two callbacks, once. A thenable that is not a native promise may call back twice or throw, and a native
 * promise may have an overwritten `then`.
 */
export function whenSettled(
  promise: PromiseLike<unknown>,
  onFulfilled: (value: unknown) => void,
  onRejected: (error: unknown) => void,
): void {
  try {
    nativeThen.call(Promise.resolve(promise), onFulfilled, onRejected)
  } catch (error) {
    onRejected(error)
  }
}

/** Makes the error for a handler that returned an invalid result. */
export function invalidResult(handler: string, value: unknown): TypeError & { code: string } {
  const shown =
    (typeof value === 'object' && value !== null) || typeof value === 'function' ? typeof value : show(value)
  return Object.assign(
    new TypeError(`${handler} returned ${shown}: expected 0, 1, nothing, or a promise of one of them`),
    { code: 'ERR_HANDLER_RESULT' },
  )
}
