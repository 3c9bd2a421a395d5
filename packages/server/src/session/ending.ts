import type { CloseReason } from '../api/close-reason.ts'
import { ConnectionClosedError } from '../api/server-errors.ts'

/** Why one connection is closed, as far as known. */
export class Ending {
  #reason: CloseReason | undefined
  #error: Error | undefined
  #abortReason: ConnectionClosedError | undefined

  get reason(): CloseReason | undefined {
    return this.#reason
  }

  get error(): Error | undefined {
    return this.#error
  }

  /** Sets the reason, and replaces an earlier one. */
  set(reason: CloseReason, error?: Error): void {
    this.#reason = reason
    this.#error = error
  }

  /** The error that signals abort with when the connection is closed. */
  get abortReason(): ConnectionClosedError {
    this.#abortReason ??= new ConnectionClosedError(this.#reason ?? 'peer-closed', this.#error)
    return this.#abortReason
  }

  /** Whether a handler failed because a signal aborted when the connection was closed. */
  causes(error: unknown): boolean {
    const reason = this.#abortReason
    if (reason === undefined) return false
    try {
      // Node's AbortError has the reason of the signal as its cause.
      return error === reason || (error instanceof Error && error.cause === reason)
    } catch {
      return false
    }
  }
}
