import type { CloseReason } from './close-reason.ts'
import { show } from './show.ts'

/** A handler did not settle in time. `onError` gets it, and the request's signal aborts with it. */
export class HandlerTimeoutError extends Error {
  override readonly name = 'HandlerTimeoutError'
  readonly code = 'ERR_SERVER_HANDLER_TIMEOUT'
  /** The limit that was passed, in milliseconds. */
  readonly timeout: number

  /** @param consequence what follows for the request or the connection */
  constructor(handler: string, timeout: number, consequence: string) {
    super(`${handler} did not settle within ${timeout} ms; ${consequence}`)
    this.timeout = timeout
  }
}

/** The connection is closed. The signals of its session and of its requests abort with it. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError'
  readonly code = 'ERR_SERVER_CONNECTION_CLOSED'
  /** Why it was closed: `drain-timeout` when the deadline of `server.close()` came. */
  readonly reason: CloseReason

  constructor(reason: CloseReason, cause: Error | undefined) {
    super(`the connection is closed: ${reason}`, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}

/** A bug in this package, with the stack of what was thrown. It ends one connection, as `internal-error`. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
  readonly code = 'ERR_SERVER_INTERNAL'

  constructor(thrown: unknown) {
    super(`bug in @demo/server, please report it: ${thrown instanceof Error ? thrown.message : show(thrown)}`, {
      cause: thrown,
    })
    const frames = thrown instanceof Error ? thrown.stack?.match(/^ {4}at .*$/gm) : undefined
    if (frames) this.stack = [`${this.name}: ${this.message}`, ...frames].join('\n')
  }
}
