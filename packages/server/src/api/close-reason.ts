/**
 * Why a connection was closed. The list is closed. Logs, metric labels and `onClose` use it.
 *
 * | reason                 | what happened                                                                         |
 * |------------------------|---------------------------------------------------------------------------------------|
 * | `peer-closed`          | the peer ended its side between two frames                                            |
 * | `peer-reset`           | the peer reset the connection                                                         |
 * | `idle-timeout`         | nothing was received and nothing was in flight for `idleTimeout`                      |
 * | `frame-timeout`        | a frame was not complete within `frameTimeout`                                        |
 * | `handshake-timeout`    | the proxy's header, TLS, `onOpen`, or a required Conn took too long                   |
 * | `write-timeout`        | the peer read none of its acks for `writeTimeout`                                     |
 * | `frame-error`          | the peer sent an invalid frame: too long, too short, truncated                        |
 * | `packet-error`         | the peer sent an invalid packet: malformed, unknown, or at the wrong time             |
 * | `handshake-error`      | the handshake failed: the proxy's header, or TLS                                      |
 * | `unauthorized`         | `onConn` refused the credentials, or the client's certificate was refused             |
 * | `too-many-connections` | `maxConnections` or `maxConnectionsPerIp` was reached                                 |
 * | `draining`             | the server was closed, after everything received was answered                         |
 * | `drain-timeout`        | the server was closed, and its deadline passed before everything was answered         |
 * | `handler-closed`       | a handler called `session.close()`, or `onOpen` threw or rejected                     |
 * | `destroyed`            | `session.destroy()` or `server.destroy()` was called                                  |
 * | `socket-error`         | the socket failed in another way; see the error                                       |
 * | `handler-failed`       | a handler of a user's protocol failed, and there is no `failureReply`                 |
 * | `internal-error`       | a bug in this package or in a user's codec; the error has its stack                   |
 */
export const CLOSE_REASONS = [
  'peer-closed',
  'peer-reset',
  'idle-timeout',
  'frame-timeout',
  'handshake-timeout',
  'write-timeout',
  'frame-error',
  'packet-error',
  'handshake-error',
  'unauthorized',
  'too-many-connections',
  'draining',
  'drain-timeout',
  'handler-closed',
  'destroyed',
  'socket-error',
  'handler-failed',
  'internal-error',
] as const

export type CloseReason = (typeof CLOSE_REASONS)[number]
