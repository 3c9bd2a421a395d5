import { showThrown } from '../internal/format-value.ts'
import type { EngineName } from '../transport/native-engine.ts'
import type { ServerCounters } from './counters.ts'

/**
 * Observes a server, as `@demo/metrics` does. No function is called once a packet, and a function that is left out costs
 * nothing. The first error that one of them throws becomes a process warning.
 */
export interface ServerObserver {
  /** Called once when the server is made, with its counters. They can be read at any time. */
  attach?: ((counters: ServerCounters) => void) | undefined

  /**
   * Called when answers are written to a socket, once for all requests that were read together.
   *
   * @param seconds from the read of the requests to their answers: how long the handlers took, measured once for all
   *   of them
   * @param count the number of answers, at least 1
   */
  answered?: ((seconds: number, count: number) => void) | undefined

  /** Called when a connection is accepted and when one is closed, with the number of open connections. */
  connections?: ((open: number) => void) | undefined

  /** Called when the server listens on sockets, with what moves their bytes. */
  engine?: ((name: EngineName) => void) | undefined
}

/** Wraps an observer: the first error that its functions throw becomes a process warning. */
export function guard(observer: ServerObserver): ServerObserver {
  let warned = false
  const failed = (error: unknown) => {
    if (!warned) process.emitWarning(`the observer failed: ${showThrown(error)}`, 'ObserverWarning')
    warned = true
  }
  const guarded: ServerObserver = { attach: (counters) => observer.attach?.(counters) }
  if (observer.answered !== undefined) {
    guarded.answered = (seconds, count) => {
      try {
        observer.answered?.(seconds, count)
      } catch (error) {
        failed(error)
      }
    }
  }
  if (observer.connections !== undefined) {
    guarded.connections = (open) => {
      try {
        observer.connections?.(open)
      } catch (error) {
        failed(error)
      }
    }
  }
  if (observer.engine !== undefined) {
    guarded.engine = (name) => {
      try {
        observer.engine?.(name)
      } catch (error) {
        failed(error)
      }
    }
  }
  return guarded
}
