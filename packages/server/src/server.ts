import type { EngineName } from './api/engine-name.ts'
import type { Session } from './api/session.ts'
import type { CloseOptions, CloseSummary } from './drain.ts'
import type { ServerCounters } from './observability/counters.ts'
import type { ServerAddress, Transport } from './transport/connection.ts'
import type { ListenOptions } from './transport/listen-options.ts'
import type { TlsOptions } from './transport/tls.ts'

/** A server of framed requests. */
export interface Server<Data = unknown, S extends Session<Data> = Session<Data>> {
  /** The open sessions. */
  readonly sessions: ReadonlySet<S>
  /** What the server has done so far, in numbers. */
  readonly counters: ServerCounters
  /** How many connections it accepts at the same time: `maxConnections`, capped by the limit of open files. */
  readonly maxConnections: number
  /** Where it listens, or undefined. */
  readonly address: ServerAddress | undefined
  /** What moves the bytes of its sockets; undefined before it listens, and on a transport that was given to it. */
  readonly engine: EngineName | undefined

  /**
   * Begins to listen: on TCP (the default host is `127.0.0.1`), on a Unix socket, or on another transport. After a failure it
   * can be called again.
   *
   * @throws ListenError, or the system's error with its code: `EADDRINUSE`, `EACCES`, …
   */
  listen(where: ListenOptions | Transport): Promise<ServerAddress>

  /**
   * Drains: stops accepting and reading, answers every received request, ends each connection, and waits for its peer to do
   * the same. Connections that are left at the deadline are cut off. A later call returns the same promise. Its timeout
   * counts if its deadline is the earliest: it never makes the drain longer.
   *
   * @throws ServerOptionError, as a rejection, when the timeout is invalid; then nothing has changed
   */
  close(options?: CloseOptions): Promise<CloseSummary>

  /**
   * Stops accepting, and closes every connection at once, as `destroyed`. Requests in flight are not answered. It may be
   * called while `close()` waits, and returns the same promise.
   *
   * @param reason `onClose` gets it as its error
   * @throws TypeError, as a rejection, when the reason is not an Error; then nothing has changed
   */
  destroy(reason?: Error): Promise<CloseSummary>

  /**
   * Uses another certificate, key and authorities for new connections. Open connections are not affected.
   * `requireClientCert` does not change.
   *
   * @throws ServerOptionError when they are invalid; then nothing has changed
   */
  renewTls(tls: TlsOptions): void

  /**
   * Leaves new connections to the other processes that listen on the same descriptor, until {@link resumeAccepting}. Open
   * connections are not affected. Waiting ones stay in the queue: another process has to accept them.
   *
   * @returns whether it does; false unless it listens on an `fd`
   */
  pauseAccepting(): boolean

  /** Accepts again. */
  resumeAccepting(): void

  [Symbol.asyncDispose](): Promise<void>
}
