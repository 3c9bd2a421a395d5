import { onTestFinished } from 'vitest'

/**
 * Collects uncaught exceptions from now to the test's end. The test runner's own listeners, which would fail the run, are
 * removed meanwhile.
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
