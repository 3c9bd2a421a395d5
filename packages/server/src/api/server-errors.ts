import { messageOf } from '../internal/format-value.ts'
import type { CloseReason } from './close-reason.ts'

/** A handler did not settle in time. `onError` gets this error, and the request's signal aborts with it. */
export class HandlerTimeoutError extends Error {
  override readonly name = 'HandlerTimeoutError'
  readonly code = 'ERR_SERVER_HANDLER_TIMEOUT'
  /** The limit that was exceeded, in milliseconds. */
  readonly timeout: number

  /** @param consequence what happens to the request or the connection */
  constructor(handler: string, timeout: number, consequence: string) {
    super(`${handler} did not settle within ${timeout} ms; ${consequence}`)
    this.timeout = timeout
  }
}

/** The connection is closed. The signals of its session and its requests abort with this error. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError'
  readonly code = 'ERR_SERVER_CONNECTION_CLOSED'
  /** Why it was closed, for example `drain-timeout` when the deadline of `server.close()` passed. */
  readonly reason: CloseReason

  constructor(reason: CloseReason, cause: Error | undefined) {
    super(`the connection is closed: ${reason}`, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}

/** A bug in this package, with the stack of what was thrown. One connection is closed for it, as `internal-error`. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
  readonly code = 'ERR_SERVER_INTERNAL'

  constructor(thrown: unknown) {
    super(`bug in @demo/server, please report it: ${messageOf(thrown)}`, {
      cause: thrown,
    })
    const frames = thrown instanceof Error ? thrown.stack?.match(/^ {4}at .*$/gm) : undefined
    if (frames) this.stack = [`${this.name}: ${this.message}`, ...frames].join('\n')
  }
}

/** `session.send()` refused a message, because too much is unsent. The message was not sent; the session goes on. */
export class WriteBufferFullError extends Error {
  override readonly name = 'WriteBufferFullError'
  readonly code = 'ERR_SERVER_WRITE_BUFFER_FULL'

  constructor(length: number, unsentBytes: number, maxWriteBuffer: number) {
    super(
      `a message of ${length} bytes was not sent: ${unsentBytes} bytes would be unsent, more than maxWriteBuffer (${maxWriteBuffer})`,
    )
  }
}

/** A bug in a user's codec: it threw something other than a {@link ProtocolError}, or did not encode to bytes. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code = 'ERR_SERVER_CODEC'

  constructor(method: 'decode' | 'encode', cause: unknown) {
    super(`codec.${method} failed: ${messageOf(cause)}`, { cause })
  }
}

/**
 * A peer sent a malformed message of a user's protocol: `codec.decode` throws it. The connection is closed as
 * `packet-error`, after the answers to earlier messages.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'ERR_SERVER_PROTOCOL'
}
