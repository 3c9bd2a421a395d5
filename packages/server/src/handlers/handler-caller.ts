import type { CloseReason } from '../api/close-reason.ts'
import { InternalError } from '../api/server-errors.ts'
import { show, showThrown } from '../internal/format-value.ts'
import type { SessionHandlers } from './handlers.ts'
import { isThenable, whenSettled } from './outcome.ts'

/** Calls the handlers of sessions, and catches what they throw. */
export class HandlerCaller<S> {
  readonly #handlers: SessionHandlers<S>
  #warned = false

  constructor(handlers: SessionHandlers<S>) {
    this.#handlers = handlers
  }

  /** @returns whether the session is admitted, or a promise that rejects if it is not */
  open(session: S): boolean | PromiseLike<unknown> {
    try {
      const outcome: unknown = this.#handlers.onOpen?.(session)
      return isThenable(outcome) ? outcome : true
    } catch (error) {
      this.error(error, session)
      return false
    }
  }

  close(session: S, reason: CloseReason, error: Error | undefined): void {
    this.#call(session, () => this.#handlers.onClose?.(session, reason, error))
  }

  tick(session: S): void {
    this.#call(session, () => this.#handlers.onTick?.(session))
  }

  /** Calls a handler and does not wait for it. If it is asynchronous, its rejection is reported. */
  #call(session: S, handler: () => unknown): void {
    const failed = (error: unknown) => this.error(error, session)
    try {
      const outcome = handler()
      if (isThenable(outcome)) whenSettled(outcome, () => {}, failed)
    } catch (error) {
      failed(error)
    }
  }

  error(error: unknown, session: S): void {
    if (this.#handlers.onError === undefined) {
      if (error instanceof InternalError) process.emitWarning(showThrown(error), 'InternalWarning')
      else this.#warnOnce(error, 'set onError to see all errors')
      return
    }
    const failed = (thrown: unknown) => this.#warnOnce(thrown, 'and onError threw this')
    try {
      const outcome: unknown = this.#handlers.onError(error, session)
      if (isThenable(outcome)) whenSettled(outcome, () => {}, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }

  #warnOnce(error: unknown, advice: string): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(`a handler failed, ${advice}: ${showThrown(error)}`, 'HandlerWarning')
  }
}

/** @throws TypeError when a handler is not a function, or a required one is missing */
export function checkHandlers(
  maker: string,
  handlers: object,
  required: readonly string[],
  optional: readonly string[],
): void {
  for (const name of [...required, ...optional]) {
    const handler: unknown = (handlers as Record<string, unknown> | undefined)?.[name]
    if (typeof handler === 'function' || (handler === undefined && !required.includes(name))) continue
    const shown = handler === undefined ? 'undefined' : show(handler)
    throw new TypeError(`${maker}: invalid handlers.${name} ${shown}: expected a function`)
  }
}
