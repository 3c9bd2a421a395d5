import { DIALECTS, type Dialect } from '@demo/packet'
import { guard, type ServerObserver } from './observer.ts'
import { Proxies } from './proxies.ts'
import { show } from './show.ts'
import { Tls, type TlsOptions } from './tls.ts'

/** Options of `createServer`. Times in milliseconds, sizes in bytes; 0 switches a limit off. */
export interface ServerOptions {
  /**
   * Which numbers the responses have on the wire.
   *
   * @default 'specification'
   */
  dialect?: Dialect

  /**
   * Whether a Conn must come first and succeed before any Submit. A Submit without it closes the connection as
   * `packet-error`.
   *
   * @default true when there is an `onConn`, else false
   */
  requireConn?: boolean

  /**
   * The longest frame to take, header included. A longer one closes the connection as `frame-error` as soon as its
   * header is in. Until a required Conn has succeeded it is 4096 at most. From 13, a Submit with an empty payload.
   *
   * @default 1048576 (1 MiB)
   */
  maxFrameLength?: number

  /**
   * Connections at the same time. One more is closed at once as `too-many-connections`. Never above what the
   * process's limit of open files leaves room for.
   *
   * @default 10000
   */
  maxConnections?: number

  /**
   * Connections of one address at the same time. One more is closed at once as `too-many-connections`. Addresses of IPv6
   * are counted by their first 64 bits, which is what one subscriber has. Behind a proxy it is the client's address.
   *
   * @default 0 (no limit)
   */
  maxConnectionsPerIp?: number

  /**
   * Asynchronous handlers of one session that have not settled. At the limit the session is not read any more, until
   * one settles.
   *
   * @default 1024
   */
  maxInFlight?: number

  /**
   * Bytes of acks of one session that its peer has not taken yet. The session is not read any more long before, from
   * 64 KiB or half of this on, until the peer has taken them all. From 1024; a smaller one than 32 KiB is not kept
   * exactly where there is TLS.
   *
   * @default 1048576 (1 MiB)
   */
  maxWriteBuffer?: number

  /**
   * How long a peer may take, from the accept on, for the header of a proxy, for TLS, and for a required Conn to succeed,
   * all together. Then the connection is closed as `handshake-timeout`; a Conn whose handler has not settled is answered
   * with 1 before.
   *
   * @default 5000
   */
  handshakeTimeout?: number

  /**
   * How long a frame may take from its first byte to its last, however the bytes drip in. Then the connection is closed
   * as `frame-timeout`. Time in which it waits for the server does not count.
   *
   * @default 15000
   */
  frameTimeout?: number

  /**
   * How long a connection may be without a byte received and without a request in flight. Then it is closed as
   * `idle-timeout`.
   *
   * @default 300000 (5 minutes)
   */
  idleTimeout?: number

  /**
   * How long a peer may take none of the acks that wait for it. Then the connection is closed as `write-timeout`. The
   * system tells only when it has room for more, on Linux when a third of its buffer is free: a peer that takes less than
   * that in this time, up to 1 MiB, is taken for one that takes nothing.
   *
   * @default 10000
   */
  writeTimeout?: number

  /**
   * How long an asynchronous handler may take. Then its request is answered with 1, and `session.signal` aborts.
   *
   * @default 30000
   */
  handlerTimeout?: number

  /**
   * How long a connection that is closed from our side waits for the peer to end its own, so that the last acks are not
   * lost to a reset.
   *
   * @default 2000
   */
  lingerTimeout?: number

  /**
   * The proxies that tell for whom they connect: addresses, networks like `10.0.0.0/8`, and `unix` for whoever comes
   * over a Unix socket. A connection from one of them must begin with a header of the PROXY protocol, version 1 or 2;
   * from anybody else there is to be none.
   *
   * @default [] (nobody)
   */
  proxyProtocolFrom?: readonly string[]

  /**
   * TLS, of every connection. What can be renewed later: {@link Server.renewTls}.
   *
   * @default undefined (plain TCP)
   */
  tls?: TlsOptions

  /**
   * Whether all connections are read into one buffer, over and over. It costs less, and makes a packet good for less: its
   * bytes are valid only until the handler returns, and for an async one until its first `await`. Use `copy()` of what must
   * live longer. For handlers that do not keep packets.
   *
   * @default false: a packet's bytes stay as they are for as long as anybody holds it
   */
  reuseReadBuffer?: boolean

  /** Who wants to know how the server is doing; see `@demo/metrics`. */
  observer?: ServerObserver
}

export type CheckedOptions = Required<Omit<ServerOptions, 'proxyProtocolFrom' | 'tls'>> & {
  readonly proxies: Proxies | undefined
  readonly tls: Tls | undefined
}

interface Range {
  readonly min: number
  readonly max: number
  readonly standard: number
}

/** Time limits end where a 32-bit count of milliseconds ends: 24 days. */
const MAX_TIME = 2 ** 31 - 1
const MAX_COUNT = 2 ** 31 - 1

/** The numbers among the options: what they may be besides 0, and what they are unless set. */
const NUMBERS = {
  maxFrameLength: { min: 13, max: 2 ** 32 - 1, standard: 1024 * 1024 },
  maxConnections: { min: 1, max: MAX_COUNT, standard: 10_000 },
  maxConnectionsPerIp: { min: 1, max: MAX_COUNT, standard: 0 },
  maxInFlight: { min: 1, max: MAX_COUNT, standard: 1024 },
  maxWriteBuffer: { min: 1024, max: MAX_COUNT, standard: 1024 * 1024 },
  handshakeTimeout: { min: 1, max: MAX_TIME, standard: 5000 },
  frameTimeout: { min: 1, max: MAX_TIME, standard: 15_000 },
  idleTimeout: { min: 1, max: MAX_TIME, standard: 300_000 },
  writeTimeout: { min: 1, max: MAX_TIME, standard: 10_000 },
  handlerTimeout: { min: 1, max: MAX_TIME, standard: 30_000 },
  lingerTimeout: { min: 1, max: MAX_TIME, standard: 2000 },
} as const satisfies Record<string, Range>

type NumberOption = keyof typeof NUMBERS

const OTHERS = [
  'dialect',
  'requireConn',
  'reuseReadBuffer',
  'proxyProtocolFrom',
  'tls',
  'observer',
] as const satisfies (keyof ServerOptions)[]
const OBSERVES = ['attach', 'answered', 'connections'] as const satisfies (keyof ServerObserver)[]
const KNOWN: ReadonlySet<string> = new Set([...Object.keys(NUMBERS), ...OTHERS])
const NAMES = [...KNOWN].join(', ')

/** An option that can't be. It names the option, what it is, and what is allowed. */
export class ServerOptionError extends RangeError {
  override readonly name = 'ServerOptionError'
  readonly code = 'ERR_SERVER_OPTION'
  /** The option's name. */
  readonly option: string
  /** What it is. */
  readonly value: unknown
  /** What it may be. */
  readonly allowed: string

  constructor(option: string, value: unknown, allowed: string, what = `is ${show(value)}`) {
    super(`${option} ${what}; it must be ${allowed}`)
    this.option = option
    this.value = value
    this.allowed = allowed
  }
}

/**
 * Fills in the defaults, and 0 by Infinity: no limit.
 *
 * @throws ServerOptionError
 */
export function checkOptions(options: ServerOptions, handlesConn: boolean): CheckedOptions {
  for (const name of Object.keys(options)) {
    if (KNOWN.has(name)) continue
    throw new ServerOptionError(name, options[name as keyof ServerOptions], `left out: the options are ${NAMES}`)
  }
  const { dialect = 'specification', requireConn = handlesConn, reuseReadBuffer = false, observer = {} } = options
  if (!DIALECTS.includes(dialect)) throw new ServerOptionError('dialect', dialect, `one of ${DIALECTS.join(', ')}`)
  checkSwitch('requireConn', requireConn)
  checkSwitch('reuseReadBuffer', reuseReadBuffer)
  if (requireConn && !handlesConn) {
    throw new ServerOptionError(
      'requireConn',
      requireConn,
      'false without an onConn handler, which decides who gets in',
    )
  }
  checkObserver(observer)
  const names = Object.keys(NUMBERS) as NumberOption[]
  const numbers = Object.fromEntries(names.map((name) => [name, checkNumber(name, options[name])]))
  return {
    dialect,
    requireConn,
    reuseReadBuffer,
    proxies: checkProxies(options.proxyProtocolFrom),
    tls: options.tls === undefined ? undefined : usingTls(options.tls, (tls) => new Tls(tls)),
    observer: guard(observer),
    ...(numbers as Record<NumberOption, number>),
  }
}

function checkSwitch(name: 'requireConn' | 'reuseReadBuffer', value: boolean): void {
  if (typeof value !== 'boolean') throw new ServerOptionError(name, value, 'true or false')
}

function checkProxies(from: readonly string[] | undefined): Proxies | undefined {
  if (from === undefined) return undefined
  const allowed = 'a list of addresses, networks like 10.0.0.0/8, and unix'
  if (!Array.isArray(from) || from.some((one) => typeof one !== 'string')) {
    throw new ServerOptionError('proxyProtocolFrom', from, allowed)
  }
  try {
    return from.length === 0 ? undefined : new Proxies(from)
  } catch (error) {
    throw new ServerOptionError('proxyProtocolFrom', from, allowed, `has a mistake: ${(error as Error).message}`)
  }
}

/**
 * Does something with the options of TLS.
 *
 * @throws ServerOptionError when they can't be; it has nothing of the private key
 */
export function usingTls<Value>(options: TlsOptions, use: (options: TlsOptions) => Value): Value {
  try {
    return use(options)
  } catch (error) {
    const allowed = 'a certificate and its private key, in PEM, and the ca where client certificates are required'
    throw new ServerOptionError('tls', undefined, allowed, `can't be used: ${(error as Error).message}`)
  }
}

function checkObserver(observer: ServerObserver): void {
  const fits =
    typeof observer === 'object' &&
    observer !== null &&
    OBSERVES.every((name) => isFunctionOrNothing(observer[name])) &&
    (OBSERVES.some((name) => observer[name] !== undefined) || Object.keys(observer).length === 0)
  if (!fits)
    throw new ServerOptionError(
      'observer',
      observer,
      `an object with one or more of the functions ${OBSERVES.join(', ')}`,
    )
}

function isFunctionOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}

function checkNumber(name: NumberOption, value: number | undefined): number {
  const { min, max, standard }: Range = NUMBERS[name]
  if (value === undefined) return checkNumber(name, standard)
  if (value === 0) return name === 'maxFrameLength' ? max : Number.POSITIVE_INFINITY
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ServerOptionError(name, value, `an integer from ${min} to ${max}, or 0 for no limit`)
}
