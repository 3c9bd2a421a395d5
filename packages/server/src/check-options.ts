import { DIALECTS, type Dialect } from '@demo/packet'
import { type IntegerRange, isInteger, MAX_COUNT } from './internal/integer-range.ts'
import { MAX_TIMER } from './internal/timers.ts'
import { guard, type ServerObserver } from './observability/observer.ts'
import { ServerOptionError } from './option-error.ts'
import type { CommonServerOptions, ServerOptions } from './options.ts'
import { ENGINES, type EngineChoice } from './transport/native-engine.ts'
import { Tls, type TlsOptions } from './transport/tls.ts'
import { TrustedProxies } from './transport/trusted-proxies.ts'

/** The options of any server, with the defaults filled in. A limit that is switched off is Infinity. */
export type CheckedCommonOptions = Record<NumberOption, number> & {
  readonly reuseReadBuffer: boolean
  readonly observer: ServerObserver
  readonly proxies: TrustedProxies | undefined
  readonly tls: Tls | undefined
  readonly engine: EngineChoice
}

/** The options of `createServer`, with the defaults filled in. */
export type CheckedOptions = CheckedCommonOptions & {
  readonly dialect: Dialect
  readonly requireConn: boolean
}

/** The numbers among the options: their range, besides 0, and their defaults. */
const NUMBERS = {
  maxFrameLength: { min: 1, max: 2 ** 32 - 1, defaultValue: 1024 * 1024 },
  maxConnections: { min: 1, max: MAX_COUNT, defaultValue: 10_000 },
  maxConnectionsPerIp: { min: 1, max: MAX_COUNT, defaultValue: 0 },
  maxInFlight: { min: 1, max: MAX_COUNT, defaultValue: 1024 },
  maxWriteBuffer: { min: 1024, max: MAX_COUNT, defaultValue: 1024 * 1024 },
  handshakeTimeout: { min: 1, max: MAX_TIMER, defaultValue: 5000 },
  frameTimeout: { min: 1, max: MAX_TIMER, defaultValue: 15_000 },
  idleTimeout: { min: 1, max: MAX_TIMER, defaultValue: 300_000 },
  writeTimeout: { min: 1, max: MAX_TIMER, defaultValue: 10_000 },
  handlerTimeout: { min: 1, max: MAX_TIMER, defaultValue: 30_000 },
  lingerTimeout: { min: 1, max: MAX_TIMER, defaultValue: 2000 },
  tickInterval: { min: 1, max: MAX_TIMER, defaultValue: 0 },
} as const satisfies Record<string, IntegerRange>

type NumberOption = keyof typeof NUMBERS

/** The other options of every server, and those of `createServer` only. */
const COMMON = ['reuseReadBuffer', 'proxyProtocolFrom', 'tls', 'engine', 'observer']
const OWN = ['dialect', 'requireConn']

const OBSERVES = ['attach', 'answered', 'connections', 'engine'] as const satisfies (keyof ServerObserver)[]

/** The shortest frame that a Submit can be: header, command and ID. */
const MIN_SUBMIT_FRAME = 13

/**
 * Checks options of `createServer` without making a server.
 *
 * @param handlesConn whether the server will have an `onConn`
 * @throws ServerOptionError for the first invalid one
 */
export function validateOptions(options: ServerOptions, handlesConn = false): void {
  checkOptions(options, handlesConn)
}

/**
 * Fills in the defaults of `createServer`.
 *
 * @throws ServerOptionError
 */
export function checkOptions(options: ServerOptions, handlesConn: boolean): CheckedOptions {
  const { dialect = 'specification', requireConn = handlesConn, ...common } = options
  if (!DIALECTS.includes(dialect)) throw new ServerOptionError('dialect', dialect, `one of ${DIALECTS.join(', ')}`)
  checkSwitch('requireConn', requireConn)
  if (requireConn && !handlesConn) {
    throw new ServerOptionError('requireConn', requireConn, 'false without an onConn handler')
  }
  const checked = checkCommonOptions(common, OWN, MIN_SUBMIT_FRAME)
  return { dialect, requireConn, ...checked }
}

/**
 * Fills in the defaults of any server, and replaces 0 by Infinity: no limit.
 *
 * @param others the names of further options, checked by the caller
 * @param minFrameLength the smallest valid `maxFrameLength`
 * @throws ServerOptionError
 */
export function checkCommonOptions(
  options: CommonServerOptions,
  others: readonly string[] = [],
  minFrameLength = 1,
): CheckedCommonOptions {
  const numberNames = Object.keys(NUMBERS) as NumberOption[]
  const names = [...numberNames, ...COMMON]
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const known = [...names, ...others].join(', ')
    throw new ServerOptionError(name, (options as Record<string, unknown>)[name], `one of ${known}`, 'no such option')
  }
  const { reuseReadBuffer = false, engine = 'auto', observer = {} } = options
  checkSwitch('reuseReadBuffer', reuseReadBuffer)
  checkEngine(engine, options.tls !== undefined)
  checkObserver(observer)
  const numbers = Object.fromEntries(
    numberNames.map((name) => [
      name,
      checkNumber(name, options[name], name === 'maxFrameLength' ? minFrameLength : NUMBERS[name].min),
    ]),
  )
  return {
    ...(numbers as Record<NumberOption, number>),
    reuseReadBuffer,
    engine,
    observer: guard(observer),
    proxies: checkProxies(options.proxyProtocolFrom),
    tls: options.tls === undefined ? undefined : usingTls(options.tls, (tls) => new Tls(tls)),
  }
}

function checkEngine(engine: EngineChoice, usesTls: boolean): void {
  if (!ENGINES.includes(engine)) throw new ServerOptionError('engine', engine, `one of ${ENGINES.join(', ')}`)
  if (engine === 'native' && usesTls) {
    throw new ServerOptionError('engine', engine, 'auto or node with tls', 'the native engine has no TLS')
  }
}

function checkSwitch(name: 'requireConn' | 'reuseReadBuffer', value: boolean): void {
  if (typeof value !== 'boolean') throw new ServerOptionError(name, value, 'true or false')
}

function checkProxies(from: readonly string[] | undefined): TrustedProxies | undefined {
  if (from === undefined) return undefined
  const allowed = 'a list of addresses, networks like 10.0.0.0/8, and unix'
  if (!Array.isArray(from) || from.some((one) => typeof one !== 'string')) {
    throw new ServerOptionError('proxyProtocolFrom', from, allowed)
  }
  try {
    return from.length === 0 ? undefined : new TrustedProxies(from)
  } catch (error) {
    throw new ServerOptionError('proxyProtocolFrom', from, allowed, (error as Error).message)
  }
}

/**
 * Uses TLS options, and turns an error into a ServerOptionError.
 *
 * @throws ServerOptionError when they are invalid; the error contains nothing of the private key
 */
export function usingTls<Value>(options: TlsOptions, use: (options: TlsOptions) => Value): Value {
  try {
    return use(options)
  } catch (error) {
    const allowed = 'a certificate and its private key, in PEM, and the ca where client certificates are required'
    throw new ServerOptionError('tls', undefined, allowed, (error as Error).message)
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

function checkNumber(name: NumberOption, value: number | undefined, min: number): number {
  const { max, defaultValue }: IntegerRange = NUMBERS[name]
  if (value === undefined) return checkNumber(name, defaultValue, min)
  if (value === 0) return name === 'maxFrameLength' ? max : Number.POSITIVE_INFINITY
  if (isInteger(value, { min, max })) return value
  throw new ServerOptionError(name, value, `an integer from ${min} to ${max}, or 0 for no limit`)
}
