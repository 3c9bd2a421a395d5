import { onTestFinished } from 'vitest'

/** What a process was told while a test ran. */
export interface ProcessNotes {
  readonly warnings: Error[]
  /** Rejections that nobody handled: each would have ended the process. */
  readonly unhandled: unknown[]
  /** Errors that nobody caught: each would have ended the process. */
  readonly uncaught: unknown[]
}

/**
 * Collects process warnings, unhandled rejections and uncaught errors while a test runs, instead of printing them, or
 * ending the process: the test is to look at them.
 */
export function watchProcess(): ProcessNotes {
  const warnings: Error[] = []
  const unhandled: unknown[] = []
  const uncaught: unknown[] = []
  replaceListeners('warning', (warning) => warnings.push(warning as Error))
  replaceListeners('unhandledRejection', (error) => unhandled.push(error))
  replaceListeners('uncaughtException', (error) => uncaught.push(error))
  return { warnings, unhandled, uncaught }
}

function replaceListeners(event: string, listener: (about: unknown) => void): void {
  const others = process.listeners(event as 'warning')
  process.removeAllListeners(event)
  process.on(event, listener)
  onTestFinished(() => {
    process.off(event, listener)
    for (const other of others) process.on(event, other)
  })
}
