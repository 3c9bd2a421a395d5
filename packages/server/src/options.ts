import type { Dialect } from '@demo/packet'
import type { ServerObserver } from './observability/observer.ts'
import type { EngineChoice } from './transport/native-engine.ts'
import type { TlsOptions } from './transport/tls.ts'

/** Options of every server. Times in milliseconds, sizes in bytes; 0 switches a limit off. */
export interface CommonServerOptions {
  /**
   * The longest frame to take, header included. A longer one closes the connection as `frame-error` as soon as its
   * header is in. With `createServer` it is 4096 at
   * most until a required Conn has succeeded, and 13 at least, a Submit with an empty payload.
   *
   * @default 1048576 (1 MiB)
   */
  maxFrameLength?: number | undefined

  /**
   * Connections at the same time. One more is closed at once as `too-many-connections`. Never above what the
   * process's limit of open files leaves room for.
   *
   * @default 10000
   */
  maxConnections?: number | undefined

  /**
   * Connections of one address at the same time. One more is closed at once as `too-many-connections`. Addresses of IPv6
   * are counted by their first 64 bits, which is what one subscriber has. Behind a proxy it is the client's address.
   *
   * @default 0 (no limit)
   */
  maxConnectionsPerIp?: number | undefined

  /**
   * Asynchronous handlers of one session that have not settled; where replies are ordered, all messages whose reply waits
   * for an older one too. At the limit the session is not read any more, until
   * one settles.
   *
   * @default 1024
   */
  maxInFlight?: number | undefined

  /**
   * Bytes of acks of one session that its peer has not taken yet. The session is not read any more long before, from
   * 64 KiB or half of this on, until the peer has taken them all. From 1024; a smaller one than 32 KiB is not kept
   * exactly where there is TLS.
   *
   * @default 1048576 (1 MiB)
   */
  maxWriteBuffer?: number | undefined

  /**
   * How long it may take, from the accept on, until the header of a proxy and TLS are through, an asynchronous `onOpen` has
   * settled and a required Conn has succeeded, all together. Then the connection is closed as `handshake-timeout`; a Conn whose handler has not settled is answered
   * with 1 before.
   *
   * @default 5000
   */
  handshakeTimeout?: number | undefined

  /**
   * How long a frame may take from its first byte to its last, however the bytes drip in. Then the connection is closed
   * as `frame-timeout`. Time in which it waits for the server does not count.
   *
   * @default 15000
   */
  frameTimeout?: number | undefined

  /**
   * How long a connection may be without a byte received and without a request in flight. Then it is closed as
   * `idle-timeout`.
   *
   * @default 300000 (5 minutes)
   */
  idleTimeout?: number | undefined

  /**
   * How long a peer may take none of the acks that wait for it. Then the connection is closed as `write-timeout`. The
   * system tells only when it has room for more, on Linux when a third of its buffer is free: a peer that takes less than
   * that in this time, up to 1 MiB, is taken for one that takes nothing.
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
   * How often `onTick` is called for each session, in milliseconds. All sessions share one timer: a call comes up to an
   * eighth of the shortest time limit late, and 250 ms at most.
   *
   * @default 0 (never)
   */
  tickInterval?: number | undefined

  /**
   * How long a connection that is closed from our side waits for the peer to end its own, so that the last acks are not
   * lost to a reset.
   *
   * @default 2000
   */
  lingerTimeout?: number | undefined

  /**
   * The proxies that tell for whom they connect: addresses, networks like `10.0.0.0/8`, and `unix` for whoever comes
   * over a Unix socket. A connection from one of them must begin with a header of the PROXY protocol, version 1 or 2;
   * from anybody else there is to be none.
   *
   * @default [] (nobody)
   */
  proxyProtocolFrom?: readonly string[] | undefined

  /**
   * TLS, of every connection. What can be renewed later: {@link Server.renewTls}.
   *
   * @default undefined (plain TCP)
   */
  tls?: TlsOptions | undefined

  /**
   * Whether all connections are read into one buffer, over and over. It costs less, and makes a packet good for less: its
   * bytes are valid only until the handler returns, and for an async one until its first `await`. Use `copy()` of what must
   * live longer. For handlers that do not keep packets.
   *
   * @default false: a packet's bytes stay as they are for as long as anybody holds it
   */
  reuseReadBuffer?: boolean | undefined

  /**
   * What moves the bytes of sockets. `native`: the addon of `@demo/engine`, on Linux; listening fails with
   * `ERR_ENGINE_UNAVAILABLE` where it can't be used. `node`: `node:net`. `auto`: the addon where it can be used, and
   * `node:net` elsewhere and with TLS. Sessions are the same on both.
   *
   * @default 'auto'
   */
  engine?: EngineChoice | undefined

  /** Who wants to know how the server is doing; see `@demo/metrics`. */
  observer?: ServerObserver | undefined
}

/** Options of `createServer`. */
export interface ServerOptions extends CommonServerOptions {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  dialect?: Dialect | undefined

  /**
   * Whether a Conn must come first and succeed before any Submit. A Submit without it closes the connection as
   * `packet-error`.
   *
   * @default true when there is an `onConn`, else false
   */
  requireConn?: boolean | undefined
}
