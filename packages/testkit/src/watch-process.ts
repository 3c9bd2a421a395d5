import { onTestFinished } from 'vitest'

/** What the process reported during a test. */
export interface ProcessNotes {
  readonly warnings: Error[]
  /** Unhandled rejections: each would have ended the process. */
  readonly unhandled: unknown[]
  /** Uncaught exceptions: each would have ended the process. */
  readonly uncaught: unknown[]
}

/**
 * Collects process warnings, unhandled rejections and uncaught exceptions from now to the end of the test, instead of
 * printing them or ending the process. The test must look at them.
 */
export function watchProcess(): ProcessNotes {
  return {
    warnings: collect('warning') as Error[],
    unhandled: collect('unhandledRejection'),
    uncaught: catchUncaught(),
  }
}

/** Collects uncaught exceptions alone: an unhandled rejection or a warning goes where it always goes. */
export function catchUncaught(): unknown[] {
  return collect('uncaughtException')
}

/** Replaces the listeners of an event until the test ends: those of the test runner would fail the run. */
function collect(event: string): unknown[] {
  const collected: unknown[] = []
  const listener = (about: unknown) => collected.push(about)
  const others = process.listeners(event as 'warning')
  process.removeAllListeners(event)
  process.on(event, listener)
  onTestFinished(() => {
    process.off(event, listener)
    for (const other of others) process.on(event, other)
  })
  return collected
}
