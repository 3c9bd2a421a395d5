import type { ConnView, SubmitView } from '@demo/packet'
import type { CloseReason } from './close-reason.ts'
import type { Session } from './session.ts'
import { show, showThrown } from './show.ts'

/** What a request is answered with: 0 success, 1 failure. */
export type Result = 0 | 1

/**
 * What a handler returns: a result, nothing (0), or a promise of either. A throw or a rejection answers 1. Of a promise
 * the compiler knows no more than that a number comes (it takes the 0 of an async function for one); any other than 0
 * and 1 is told to `onError` and answered with 1.
 */
export type HandlerOutcome = Result | undefined | void | Promise<number | undefined | void>

/** What a server does: `onSubmit`, and whatever else there is to say. None of them can hurt another connection. */
export interface Handlers<Data = unknown> {
  /**
   * A Conn came. Result 0 makes the session authenticated, any other answers 1 and closes it as `unauthorized`.
   * Nothing else of this connection is handled until the answer is known.
   */
  onConn?(conn: ConnView, session: Session<Data>): HandlerOutcome

  /**
   * A Submit came. It is answered once, with what is returned. The view is cheap until `id` or `payload` is read, and
   * holds on to the chunk it came in (up to 64 KiB): keep `submit.copy()` of what must live long.
   */
  onSubmit(submit: SubmitView, session: Session<Data>): HandlerOutcome

  /** A connection was accepted; the place to set `session.data`. If it throws, the session is closed. */
  onOpen?(session: Session<Data>): void | Promise<void>

  /** A connection is gone. Called once for each, also for one that was closed at once as too many. */
  onClose?(session: Session<Data>, reason: CloseReason, error: Error | undefined): void | Promise<void>

  /**
   * A handler threw, rejected, or returned what is no result. The request was answered with 1 already, or will be.
   *
   * @default a process warning at the first one
   */
  onError?(error: unknown, session: Session<Data>): void | Promise<void>
}

/** Calls the handlers, so that nothing they do gets out. */
export class HandlerCaller<Data> {
  readonly #handlers: Handlers<Data>
  #warned = false

  constructor(handlers: Handlers<Data>) {
    if (typeof handlers?.onSubmit !== 'function') {
      throw new TypeError(`createServer: handlers.onSubmit is ${typeof handlers?.onSubmit}; it must be a function`)
    }
    for (const name of ['onConn', 'onOpen', 'onClose', 'onError'] as const) {
      if (handlers[name] !== undefined && typeof handlers[name] !== 'function') {
        throw new TypeError(`createServer: handlers.${name} is ${typeof handlers[name]}; it must be a function`)
      }
    }
    this.#handlers = handlers
  }

  get handlesConn(): boolean {
    return this.#handlers.onConn !== undefined
  }

  submit(submit: SubmitView, session: Session<Data>): HandlerOutcome {
    try {
      return this.#handlers.onSubmit(submit, session)
    } catch (error) {
      this.error(error, session)
      return 1
    }
  }

  conn(conn: ConnView, session: Session<Data>): HandlerOutcome {
    try {
      return this.#handlers.onConn?.(conn, session)
    } catch (error) {
      this.error(error, session)
      return 1
    }
  }

  /** @returns whether it went well */
  open(session: Session<Data>): boolean {
    try {
      this.#watch(this.#handlers.onOpen?.(session), session)
      return true
    } catch (error) {
      this.error(error, session)
      return false
    }
  }

  close(session: Session<Data>, reason: CloseReason, error: Error | undefined): void {
    try {
      this.#watch(this.#handlers.onClose?.(session, reason, error), session)
    } catch (thrown) {
      this.error(thrown, session)
    }
  }

  error(error: unknown, session: Session<Data>): void {
    if (this.#handlers.onError === undefined) {
      this.#warnOnce(error, 'set onError to see all of them')
      return
    }
    const itself = (thrown: unknown) => this.#warnOnce(thrown, 'onError itself threw this')
    try {
      const outcome: unknown = this.#handlers.onError(error, session)
      if (isThenable(outcome)) whenSettled(outcome, () => {}, itself)
    } catch (thrown) {
      itself(thrown)
    }
  }

  /** A handler that nobody waits for may be asynchronous all the same: then its rejection is told. */
  #watch(outcome: unknown, session: Session<Data>): void {
    if (isThenable(outcome)) {
      whenSettled(
        outcome,
        () => {},
        (error) => this.error(error, session),
      )
    }
  }

  #warnOnce(error: unknown, advice: string): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(`a handler failed, ${advice}: ${showThrown(error)}`, 'HandlerWarning')
  }
}

/** The result that a handler meant, or undefined when it meant none. */
export function resultOf(value: unknown): Result | undefined {
  if (value === undefined || value === 0) return 0
  return value === 1 ? 1 : undefined
}

/** @throws whatever looking at its `then` throws */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'then' in value && typeof value.then === 'function'
}

const { then: nativeThen } = Promise.prototype

/**
 * Calls one of the two, once, whatever a promise is: one of another make may call back twice, or throw; a native one may
 * have been given a `then` of its own.
 */
export function whenSettled(
  promise: PromiseLike<unknown>,
  onFulfilled: (value: unknown) => void,
  onRejected: (error: unknown) => void,
): void {
  try {
    nativeThen.call(Promise.resolve(promise), onFulfilled, onRejected)
  } catch (error) {
    onRejected(error)
  }
}

export function notAResult(name: string, value: unknown): TypeError {
  const shown = isObject(value) ? typeof value : show(value)
  return new TypeError(`${name} gave ${shown}; it must return 0, 1, nothing, or a promise of one of them`)
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
