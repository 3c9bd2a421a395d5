/**
 * Why a connection was closed: one closed list, for logs, for metric labels, and for `onClose`.
 *
 * | reason                 | what happened                                                                         |
 * |------------------------|---------------------------------------------------------------------------------------|
 * | `peer-closed`          | the peer ended its side between two frames                                            |
 * | `peer-reset`           | the peer reset the connection                                                         |
 * | `idle-timeout`         | nothing was received, and nothing was in flight, for `idleTimeout`                    |
 * | `frame-timeout`        | a frame did not come whole within `frameTimeout`                                      |
 * | `handshake-timeout`    | the proxy's header, TLS, `onOpen`, or a required Conn took too long                   |
 * | `write-timeout`        | the peer took none of its acks for `writeTimeout`                                     |
 * | `frame-error`          | the peer broke the framing: too long, too short, truncated                            |
 * | `packet-error`         | the peer broke the packet protocol: malformed, unknown, in the wrong place            |
 * | `handshake-error`      | what comes before the first frame was wrong: the proxy's header, or TLS               |
 * | `unauthorized`         | `onConn` refused the credentials, or the client's certificate was refused             |
 * | `too-many-connections` | `maxConnections` or `maxConnectionsPerIp` was reached                                 |
 * | `draining`             | the server was closed, and everything received had been answered                      |
 * | `drain-timeout`        | the server was closed, and the deadline came first                                    |
 * | `handler-closed`       | a handler called `session.close()`, or `onOpen` threw or rejected                     |
 * | `destroyed`            | `session.destroy()` or `server.destroy()` was called                                  |
 * | `socket-error`         | the socket failed otherwise; the error says how                                       |
 * | `handler-failed`       | a handler of a user's protocol failed, and there is no `failureReply`                 |
 * | `internal-error`       | a bug: in this package, or in a user's codec; the error has its stack                |
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
