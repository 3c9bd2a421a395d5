import { show } from '../internal/format-value.ts'

/** @throws TypeError when it is not an Error */
export function checkDestroyReason(of: 'server' | 'session', reason: unknown): asserts reason is Error | undefined {
  if (reason === undefined || reason instanceof Error) return
  throw new TypeError(`${of}.destroy: invalid reason ${show(reason)}: expected an Error`)
}
