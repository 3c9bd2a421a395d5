import type { Session } from './api/session.ts'
import type { CloseOptions, CloseSummary } from './drain.ts'
import type { ServerCounters } from './observability/counters.ts'
import type { ServerAddress, Transport } from './transport/connection.ts'
import type { ListenOptions } from './transport/listen-options.ts'
import type { EngineName } from './transport/native-engine.ts'
import type { TlsOptions } from './transport/tls.ts'

/** A server of framed requests. */
export interface Server<Data = unknown, S extends Session<Data> = Session<Data>> {
  /** The sessions that are open now. */
  readonly sessions: ReadonlySet<S>
  /** What the server has done so far. */
  readonly counters: ServerCounters
  /** The connections it takes at the same time: `maxConnections`, capped by the limit of open files. */
  readonly maxConnections: number
  /** Where it listens, or undefined. */
  readonly address: ServerAddress | undefined
  /** What moves the bytes of its sockets; undefined before it listens, and on a transport that was given to it. */
  readonly engine: EngineName | undefined

  /**
   * Begins to listen: on TCP (the host is `127.0.0.1` unless given), on a Unix socket, or on another transport. After a
   * failure it may be tried again.
   *
   * @throws ListenError, or the system's error with its code: `EADDRINUSE`, `EACCES`, …
   */
  listen(where: ListenOptions | Transport): Promise<ServerAddress>

  /**
   * Drains: accepts no more, reads no more, answers every request received, ends each connection and waits for its
   * peer to do the same. What was not done at the deadline is cut off. A later call gives the same promise; the timeout
   * that it gives counts if its deadline comes before all others, and never makes the drain longer.
   *
   * @throws ServerOptionError, as a rejection, when the timeout is invalid; then nothing has changed
   */
  close(options?: CloseOptions): Promise<CloseSummary>

  /**
   * Accepts no more, and closes every connection at once, as `destroyed`. What was received and not answered stays so. It
   * may be called while `close()` waits, and gives the same promise.
   *
   * @param reason what `onClose` gets as its error
   * @throws TypeError, as a rejection, when the reason is no Error; then nothing has changed
   */
  destroy(reason?: Error): Promise<CloseSummary>

  /**
   * Uses another certificate, key and authorities from the next connection on. Those that are open go on. Whether a
   * client must show a certificate stays as it is.
   *
   * @throws ServerOptionError when they can't be used; then nothing has changed
   */
  renewTls(tls: TlsOptions): void

  /**
   * Leaves new connections to the other processes that listen on the same descriptor, until {@link resumeAccepting}. Those
   * that are open go on, and so do those that wait: one of the processes must accept.
   *
   * @returns whether it does; false unless it listens on an `fd`
   */
  pauseAccepting(): boolean

  /** Accepts again. */
  resumeAccepting(): void

  [Symbol.asyncDispose](): Promise<void>
}
