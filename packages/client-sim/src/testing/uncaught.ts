import { onTestFinished } from 'vitest'

/**
 * What is thrown where nobody catches it, from now to the test's end. The test runner, which would take it for a failure,
 * is kept from it.
 */
export function catchUncaught(): unknown[] {
  const others = process.listeners('uncaughtException')
  const errors: unknown[] = []
  const caught = (error: unknown) => errors.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', caught)
  onTestFinished(() => {
    process.off('uncaughtException', caught)
    for (const other of others) process.on('uncaughtException', other)
  })
  return errors
}
