import type { ConnView, SubmitView } from '@demo/packet'
import type { RequestContext } from '../api/request-context.ts'
import type { HandlerOutcome } from '../api/result.ts'
import { isThenable } from './outcome.ts'

/** Calls the next middleware, or the handler at the end. It may be called once. */
export type Next<Reply> = () => Reply | Promise<Reply>

/**
 * A step around a handler. What it returns is the answer. If it returns nothing, the answer is the result of `next()`. If it
 * returns nothing and did not call `next()`, the request fails.
 */
export type Middleware<Message, Reply, Context> = (
  message: Message,
  context: Context,
  next: Next<Reply>,
) => Reply | Promise<Reply>

/** A {@link Middleware} around `onSubmit`, or around `onConn`. */
export type PacketMiddleware<Packet extends ConnView | SubmitView = SubmitView, Data = unknown> = (
  packet: Packet,
  context: RequestContext<Data>,
  next: () => HandlerOutcome,
) => HandlerOutcome

/** A middleware called `next()` twice, or gave no answer. Only its own request fails. */
export class MiddlewareError extends Error {
  override readonly name = 'MiddlewareError'
  readonly code: 'ERR_MIDDLEWARE_NO_ANSWER' | 'ERR_MIDDLEWARE_NEXT_TWICE'

  constructor(code: MiddlewareError['code'], message: string) {
    super(message)
    this.code = code
  }
}

// The overloads of `compose` check the types; `never` accepts all of them.
type Handler = (message: never, context: never) => unknown
type Step = (message: never, context: never, next: never) => unknown

/**
 * Makes one handler of middlewares and the handler that they wrap, which is the last step. If all steps are synchronous, the
 * answer is synchronous: no promise is made. A single step is returned as it is.
 *
 * @throws TypeError when there is no step, or one is not a function
 */
export function compose<Packet extends ConnView | SubmitView = SubmitView, Data = unknown>(
  ...steps: readonly PacketMiddleware<Packet, Data>[]
): (packet: Packet, context: RequestContext<Data>) => HandlerOutcome
export function compose<Message, Reply, Context>(
  ...steps: readonly Middleware<Message, Reply, Context>[]
): (message: Message, context: Context) => Reply | Promise<Reply>
export function compose(...steps: readonly Step[]): Handler {
  steps.forEach((step, at) => {
    if (typeof step !== 'function')
      throw new TypeError(`compose: invalid step ${at} (${typeof step}): expected a function`)
  })
  // The last step gets no `next`: it is a plain handler.
  const handler = steps.at(-1) as Handler | undefined
  if (handler === undefined) throw new TypeError('compose: no steps: expected a handler, with middlewares before it')
  return steps.slice(0, -1).reduceRight<Handler>((rest, step) => {
    return (message, context) => new Call(rest, message, context).run(step)
  }, handler)
}

/** One call of one middleware. */
class Call {
  readonly #rest: Handler
  readonly #message: never
  readonly #context: never
  #nextCalled = false
  #nextOutcome: unknown
  #failure: MiddlewareError | undefined
  #settled = false

  constructor(rest: Handler, message: never, context: never) {
    this.#rest = rest
    this.#message = message
    this.#context = context
  }

  run(step: Step): unknown {
    let outcome: unknown
    try {
      outcome = step(this.#message, this.#context, (() => this.#next()) as never)
    } catch (error) {
      this.#settled = true
      throw error
    }
    if (!isThenable(outcome)) return this.#answer(outcome)
    // The promise of next() itself needs no wrapper.
    if (outcome === this.#nextOutcome && this.#failure === undefined) return outcome
    return this.#answerLater(outcome)
  }

  #next(): unknown {
    if (this.#nextCalled) {
      this.#failure = new MiddlewareError(
        'ERR_MIDDLEWARE_NEXT_TWICE',
        'a middleware called next() twice: expected one call',
      )
      // Not thrown: a timer or a callback that calls next() again would end the process.
      return rejected(this.#failure)
    }
    if (this.#settled) return rejected(noAnswer())
    this.#nextCalled = true
    this.#nextOutcome = this.#rest(this.#message, this.#context)
    if (this.#nextOutcome instanceof Promise) markHandled(this.#nextOutcome)
    return this.#nextOutcome
  }

  #answer(outcome: unknown): unknown {
    this.#settled = true
    if (this.#failure !== undefined) throw this.#failure
    if (outcome !== undefined) return outcome
    if (!this.#nextCalled) throw noAnswer()
    return this.#nextOutcome
  }

  async #answerLater(outcome: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await this.#answer(await outcome)
    } finally {
      this.#settled = true
    }
  }
}

function noAnswer(): MiddlewareError {
  const message = 'a middleware returned nothing and did not call next(): expected one of the two'
  return new MiddlewareError('ERR_MIDDLEWARE_NO_ANSWER', message)
}

function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error)
  markHandled(promise)
  return promise
}

/** Avoids an `unhandledRejection`, which would end the process, if a middleware does not wait for next(). */
function markHandled(promise: Promise<unknown>): void {
  promise.then(undefined, () => {})
}
