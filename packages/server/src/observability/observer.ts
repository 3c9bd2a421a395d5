import { showThrown } from '../internal/format-value.ts'
import type { ServerCounters } from './counters.ts'

/**
 * Who wants to know how a server is doing, `@demo/metrics` for one. Nothing is called once a packet, and what is not
 * implemented costs nothing. What one of these throws is a process warning, the first time.
 */
export interface ServerObserver {
  /** Called once, when the server is made, with the counters to read whenever they are wanted. */
  attach?: ((counters: ServerCounters) => void) | undefined

  /**
   * Called when answers are handed to a socket, once for all that were read together.
   *
   * @param seconds from the read that brought the requests to the answers: what the handlers took, on one clock
   *   reading for all of them
   * @param count how many answers, at least 1
   */
  answered?: ((seconds: number, count: number) => void) | undefined

  /** Called when a connection was accepted, and when one is gone, with how many there are now. */
  connections?: ((open: number) => void) | undefined
}

/** The same observer, unable to harm: what its functions throw is a process warning, the first time. */
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
  return guarded
}
