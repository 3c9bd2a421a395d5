import type { CloseReason } from '../api/close-reason.ts'
import { ConnectionClosedError } from '../api/server-errors.ts'

/** Why one connection is closed, as far as it is known. */
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

  /** Sets the reason, whatever it was before. */
  set(reason: CloseReason, error?: Error): void {
    this.#reason = reason
    this.#error = error
  }

  /** What signals abort with when the connection is closed. */
  get abortReason(): ConnectionClosedError {
    this.#abortReason ??= new ConnectionClosedError(this.#reason ?? 'peer-closed', this.#error)
    return this.#abortReason
  }

  /** Whether a handler failed only because a signal told it that the connection is closed. */
  causes(error: unknown): boolean {
    const reason = this.#abortReason
    if (reason === undefined) return false
    try {
      // AbortError of Node has the reason of the signal as its cause.
      return error === reason || (error instanceof Error && error.cause === reason)
    } catch {
      return false
    }
  }
}
