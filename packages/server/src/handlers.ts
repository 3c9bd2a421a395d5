import type { ConnView, SubmitView } from '@demo/packet'
import type { CloseReason } from './close-reason.ts'
import type { RequestContext } from './request-context.ts'
import { InternalError } from './server-errors.ts'
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

/**
 * What a server does: `onSubmit`, and whatever else there is to say. None of them can hurt another connection.
 *
 * `onConn` and `onSubmit` get a context of the request. One that is declared with exactly one parameter gets none, and none
 * is made; a second parameter with a default value does not count as declared (it is the function's `length`).
 */
export interface Handlers<Data = unknown> {
  /**
   * A Conn came. Result 0 makes the session authenticated, any other answers 1 and closes it as `unauthorized`.
   * Nothing else of this connection is handled until the answer is known.
   */
  onConn?(conn: ConnView, context: RequestContext<Data>): HandlerOutcome

  /**
   * A Submit came. It is answered once, with what is returned. The view is cheap until `id` or `payload` is read, and
   * holds on to the chunk it came in (up to 64 KiB): keep `submit.copy()` of what must live long.
   */
  onSubmit(submit: SubmitView, context: RequestContext<Data>): HandlerOutcome

  /**
   * A connection was accepted; the place to set `session.data`, and to decide who gets in. Nothing of it is read before the
   * returned promise has settled. If it throws or rejects, the session is closed as `handler-closed`; if it does not
   * settle within `handshakeTimeout`, as `handshake-timeout`.
   */
  onOpen?(session: Session<Data>): void | Promise<void>

  /** A connection is gone. Called once for each, also for one that was closed at once as too many. */
  onClose?(session: Session<Data>, reason: CloseReason, error: Error | undefined): void | Promise<void>

  /**
   * A handler threw, rejected, overran its time, or returned what is no result: the request is answered with 1. Or this
   * package has a bug (`ERR_SERVER_INTERNAL`): the connection is closed as `internal-error`.
   *
   * @default a process warning at the first one, and at each bug
   */
  onError?(error: unknown, session: Session<Data>): void | Promise<void>
}

/** A session that makes contexts of its requests. */
export interface ContextMaker<Data> extends Session<Data> {
  contextOf(packet: ConnView | SubmitView): RequestContext<Data>
}

/** The handlers of requests, as those are called that take no context. */
interface WithoutContext {
  onConn?(conn: ConnView): HandlerOutcome
  onSubmit(submit: SubmitView): HandlerOutcome
}

/** Calls the handlers, so that nothing they do gets out. */
export class HandlerCaller<Data> {
  readonly #handlers: Handlers<Data> & WithoutContext
  readonly #submitTakesContext: boolean
  readonly #connTakesContext: boolean
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
    this.#handlers = handlers as Handlers<Data> & WithoutContext
    this.#submitTakesContext = handlers.onSubmit.length !== 1
    this.#connTakesContext = handlers.onConn !== undefined && handlers.onConn.length !== 1
  }

  get handlesConn(): boolean {
    return this.#handlers.onConn !== undefined
  }

  /** Whether any request gets a context. */
  get takesContext(): boolean {
    return this.#submitTakesContext || this.#connTakesContext
  }

  submit(submit: SubmitView, session: ContextMaker<Data>): HandlerOutcome {
    try {
      if (this.#submitTakesContext) return this.#handlers.onSubmit(submit, session.contextOf(submit))
      return this.#handlers.onSubmit(submit)
    } catch (error) {
      this.error(error, session)
      return 1
    }
  }

  conn(conn: ConnView, session: ContextMaker<Data>): HandlerOutcome {
    try {
      if (this.#connTakesContext) return this.#handlers.onConn?.(conn, session.contextOf(conn))
      return this.#handlers.onConn?.(conn)
    } catch (error) {
      this.error(error, session)
      return 1
    }
  }

  /** @returns whether it went well, or a promise that settles when that is known */
  open(session: Session<Data>): boolean | PromiseLike<unknown> {
    try {
      const outcome: unknown = this.#handlers.onOpen?.(session)
      return isThenable(outcome) ? outcome : true
    } catch (error) {
      this.error(error, session)
      return false
    }
  }

  close(session: Session<Data>, reason: CloseReason, error: Error | undefined): void {
    try {
      const outcome: unknown = this.#handlers.onClose?.(session, reason, error)
      if (!isThenable(outcome)) return
      whenSettled(
        outcome,
        () => {},
        (thrown) => this.error(thrown, session),
      )
    } catch (thrown) {
      this.error(thrown, session)
    }
  }

  error(error: unknown, session: Session<Data>): void {
    if (this.#handlers.onError === undefined) {
      if (error instanceof InternalError) process.emitWarning(showThrown(error), 'InternalWarning')
      else this.#warnOnce(error, 'set onError to see all of them')
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
