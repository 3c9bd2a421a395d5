import { DIALECTS, type Dialect } from '@demo/packet'
import { guard, type ServerObserver } from './observer.ts'
import { show } from './show.ts'

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
   * Asynchronous handlers of one session that have not settled. At the limit the session is not read any more, until
   * one settles.
   *
   * @default 1024
   */
  maxInFlight?: number

  /**
   * Bytes of acks of one session that its peer has not taken yet. The session is not read any more long before, from
   * 64 KiB or half of this on, until the peer has taken them all. From 1024.
   *
   * @default 1048576 (1 MiB)
   */
  maxWriteBuffer?: number

  /**
   * How long a peer may take for a required Conn to succeed. Then the connection is closed as `handshake-timeout`.
   *
   * @default 5000
   */
  handshakeTimeout?: number

  /**
   * How long a frame may take from its first byte to its last, however the bytes drip in. Then the connection is closed
   * as `frame-timeout`.
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
   * How long a peer may take none of the acks that wait for it. Then the connection is closed as `write-timeout`.
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

  /** Who wants to know how the server is doing; see `@demo/metrics`. */
  observer?: ServerObserver
}

export type CheckedOptions = Required<Omit<ServerOptions, 'observer'>> & { observer: ServerObserver }

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

const KNOWN: ReadonlySet<string> = new Set([...Object.keys(NUMBERS), 'dialect', 'requireConn', 'observer'])
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

  constructor(option: string, value: unknown, allowed: string) {
    super(`${option} is ${show(value)}; it must be ${allowed}`)
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
  const { dialect = 'specification', requireConn = handlesConn, observer = {} } = options
  if (!DIALECTS.includes(dialect)) throw new ServerOptionError('dialect', dialect, `one of ${DIALECTS.join(', ')}`)
  if (typeof requireConn !== 'boolean') throw new ServerOptionError('requireConn', requireConn, 'true or false')
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
  return { dialect, requireConn, observer: guard(observer), ...(numbers as Record<NumberOption, number>) }
}

function checkObserver(observer: ServerObserver): void {
  const fits =
    typeof observer === 'object' &&
    observer !== null &&
    isFunctionOrNothing(observer.attach) &&
    isFunctionOrNothing(observer.answered) &&
    (observer.attach !== undefined || observer.answered !== undefined || Object.keys(observer).length === 0)
  if (!fits)
    throw new ServerOptionError('observer', observer, 'an object with the functions attach and answered, or one')
}

function isFunctionOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}

function checkNumber(name: NumberOption, value: number | undefined): number {
  const { min, max, standard }: Range = NUMBERS[name]
  if (value === undefined) return standard
  if (value === 0) return name === 'maxFrameLength' ? max : Number.POSITIVE_INFINITY
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ServerOptionError(name, value, `an integer from ${min} to ${max}, or 0 for no limit`)
}
