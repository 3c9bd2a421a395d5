import type { Dialect } from '@demo/packet'
import type { ServerObserver } from './observability/observer.ts'
import type { TlsOptions } from './transport/tls.ts'

/** Options of every server. Times in milliseconds, sizes in bytes; 0 switches a limit off. */
export interface CommonServerOptions {
  /**
   * The longest frame that is accepted, including its header. A longer one closes the connection as `frame-error` as soon as
   * its header was received. With `createServer` it is at most 4096 until a required Conn has succeeded, and at least 13, a
   * Submit with an empty payload.
   *
   * @default 1048576 (1 MiB)
   */
  maxFrameLength?: number | undefined

  /**
   * Connections at the same time. One more is closed at once as `too-many-connections`. It is capped by the process's limit
   * of open files.
   *
   * @default 10000
   */
  maxConnections?: number | undefined

  /**
   * Connections of one address at the same time. One more is closed at once as `too-many-connections`. IPv6 addresses are
   * counted by their first 64 bits, because one subscriber owns the whole /64. Behind a proxy it is the client's address.
   *
   * @default 0 (no limit)
   */
  maxConnectionsPerIp?: number | undefined

  /**
   * Asynchronous handlers of one session that have not settled; if replies are ordered, also messages whose reply waits for an
   * older one. At the limit the session is not read until one settles.
   *
   * @default 1024
   */
  maxInFlight?: number | undefined

  /**
   * Bytes of acks of one session that its peer has not read. Reading pauses earlier, at 64 KiB or half of this, until the
   * peer has read them all. At least 1024. With TLS, a value below 32 KiB is not kept exactly.
   *
   * @default 1048576 (1 MiB)
   */
  maxWriteBuffer?: number | undefined

  /**
   * How long the handshake may take from the accept on: the header of a proxy, TLS, an asynchronous `onOpen`, and a required
   * Conn together. Then the connection is closed as `handshake-timeout`. A Conn whose handler has not settled is answered with
   * 1 before.
   *
   * @default 5000
   */
  handshakeTimeout?: number | undefined

  /**
   * How long a frame may take from its first byte to its last. Bytes in between do not extend it. Then the connection is
   * closed as `frame-timeout`. Time in which the frame waits for the server does not count.
   *
   * @default 15000
   */
  frameTimeout?: number | undefined

  /**
   * How long a connection may go without a received byte and without a request in flight. Then it is closed as
   * `idle-timeout`.
   *
   * @default 300000 (5 minutes)
   */
  idleTimeout?: number | undefined

  /**
   * How long a peer may read none of the acks that wait for it. Then the connection is closed as `write-timeout`. The system
   * reports progress only when it has room for more, on Linux when a third of its buffer is free. So a peer that reads less
   * than that in this time, up to 1 MiB, counts as one that reads nothing.
   *
   * @default 10000
   */
  writeTimeout?: number | undefined

  /**
   * How long an asynchronous handler may take. Then its request is answered with a failure, and its `context.signal`
   * aborts.
   *
   * @default 30000
   */
  handlerTimeout?: number | undefined

  /**
   * How often `onTick` is called for each session, in milliseconds. All sessions share one timer: a call is late by up to an
   * eighth of the shortest time limit, and by at most 250 ms.
   *
   * @default 0 (never)
   */
  tickInterval?: number | undefined

  /**
   * How long a connection that the server has ended waits for the peer to end its side. So the last acks are not lost in a
   * reset.
   *
   * @default 2000
   */
  lingerTimeout?: number | undefined

  /**
   * The proxies that are trusted to send a PROXY header: addresses, networks like `10.0.0.0/8`, and `unix` for peers on a Unix
   * socket. A connection from one of them has to begin with a header of the PROXY protocol, version 1 or 2. Other connections
   * have none.
   *
   * @default [] (none)
   */
  proxyProtocolFrom?: readonly string[] | undefined

  /**
   * TLS for every connection. It can be renewed later: {@link Server.renewTls}.
   *
   * @default undefined (plain TCP)
   */
  tls?: TlsOptions | undefined

  /**
   * Whether packets lie in the one buffer that all connections are read into. It is faster, but the bytes of a packet are valid
   * only until the handler returns, and in an async handler until its first `await`. Use `copy()` for a packet that lives
   * longer. For handlers that do not keep packets.
   *
   * @default false: the bytes of a packet do not change
   */
  reuseReadBuffer?: boolean | undefined

  /** Observes the server, for example for `@demo/metrics`. */
  observer?: ServerObserver | undefined
}

/** Options of `createServer`. */
export interface ServerOptions extends CommonServerOptions {
  /**
   * The command numbers of responses on the wire.
   *
   * @default 'specification'
   */
  dialect?: Dialect | undefined

  /**
   * Whether a Conn has to succeed before any Submit. A Submit before that closes the connection as `packet-error`.
   *
   * @default true when there is an `onConn`, else false
   */
  requireConn?: boolean | undefined
}
