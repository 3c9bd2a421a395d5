import {
  type Flags,
  flag,
  listFlag,
  OptionError,
  optionalFlag,
  parseCount,
  parseDuration,
  parseOneOf,
  parsePort,
  parseText,
  switchFlag,
} from '@demo/cli'
import type { ServerLocation } from '@demo/client-sim'
import type { PayloadSize } from './engine/options.ts'
import type { Stage } from './engine/rate-curve.ts'
import { RESULT_FLAGS } from './result-flags.ts'
import { parseRate } from './units/parse.ts'

/** @throws OptionError when it is 0 */
function parsePositive(text: string): number {
  const value = parseCount(text)
  if (value === 0) throw new OptionError('it must be a whole number above 0')
  return value
}

/** Far more than one machine can send. */
const MAX_RATE = 1e9

/** Reads a rate of load like `500`, `0.5`, `200k` or `30/m`. @throws OptionError that says what is allowed */
export function parseLoadRate(text: string): number {
  const rate = parseRate(text)
  if (rate === 0 || rate > MAX_RATE)
    throw new OptionError(`it must be a number a second like 500, 200k or 30/m, above 0 and at most ${MAX_RATE}`)
  return rate
}

const STAGE = /^([^:]+):([^:]+)$/

/** Reads `10s:50k`: in so long to that rate. @throws OptionError that says what is allowed */
function parseStage(text: string): Stage {
  const [, time = '', rate = ''] = STAGE.exec(text) ?? []
  if (time === '') throw new OptionError('it must be a time and the rate at its end, like 10s:50k')
  const duration = parseDuration(time)
  if (duration === 0) throw new OptionError('its time must be above 0: each stage must end')
  return { duration, rate: rate === '0' ? 0 : parseLoadRate(rate) }
}

/** Much more than a receiver takes by default. Each connection keeps a frame of it. */
const MAX_PAYLOAD_SIZE = 64 * 1024 * 1024

const RANGE = /^(\d+)\.\.(\d+)$/

/** Reads `25`, or `16..1024`. @throws OptionError when it is too long, or no size */
export function parsePayloadSize(text: string): PayloadSize {
  const [, least, most] = RANGE.exec(text) ?? []
  const [min, max] = least === undefined ? [parseCount(text), parseCount(text)] : [parseCount(least), parseCount(most)]
  if (max > MAX_PAYLOAD_SIZE) throw new OptionError(`it must be at most ${MAX_PAYLOAD_SIZE}`)
  if (min > max) throw new OptionError(`it must be a size like 25, or a range like 16..1024; ${min} is above ${max}`)
  return min === max ? min : { min, max }
}

const SERVER = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/

/** Reads `127.0.0.1:8888`, `[::1]:8888` or `unix:/run/demo.sock`. @throws OptionError when it is no server */
export function parseServer(text: string): ServerLocation {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) }
  const [, address, name, port] = SERVER.exec(text) ?? []
  const host = address ?? name
  if (host === undefined) throw new OptionError('it must be like 127.0.0.1:8888, [::1]:8888 or unix:/run/demo.sock')
  return { host, port: parsePort(port) }
}

/** Which server. */
const TARGET = {
  host: flag('--host <address>', 'where the server listens', parseText, '127.0.0.1'),
  port: flag('--port <port>', 'where the server listens', parsePort, '8888'),
  dialect: flag(
    '--dialect <dialect>',
    'specification, or go-demo for servers of the Go series',
    parseOneOf(['specification', 'go-demo'] as const),
    'specification',
  ),
} satisfies Flags

export const RUN_FLAGS = {
  ...TARGET,
  path: optionalFlag('--path <file>', 'a Unix socket, in place of host and port', parseText),
  target: listFlag('--target <server>', 'host:port or unix:/path; again for each of several servers', parseServer),
  tls: switchFlag('--tls', 'speak TLS; so does each of the flags below'),
  tlsCa: optionalFlag('--tls-ca <file>', 'whom to trust, in place of the authorities that Node knows', parseText),
  tlsCert: optionalFlag('--tls-cert <file>', 'our certificate, for servers that want one', parseText),
  tlsKey: optionalFlag('--tls-key <file>', 'its key', parseText),
  tlsServername: optionalFlag('--tls-servername <name>', "whose certificate it must be; the host's", parseText),
  tlsInsecure: switchFlag('--tls-insecure', 'take any certificate: anybody may be at the other end'),
  tokenFile: optionalFlag('--token-file <file>', 'what lets us in, sent in a Conn first of all', parseText),

  connections: flag('--connections <n>', 'connections at the same time', parsePositive, '100'),
  connectRate: optionalFlag(
    '--connect-rate <n>',
    'connections opened a second; all at once unless given',
    parseLoadRate,
  ),
  reconnectEvery: optionalFlag(
    '--reconnect-every <n>',
    'after so many requests a connection is made anew',
    parsePositive,
  ),
  noReconnect: switchFlag('--no-reconnect', 'connections that are lost stay lost; unless given they are made again'),
  window: optionalFlag(
    '--window <n>',
    'requests in flight on each connection; 1000, or with a rate as many as memory is for',
    parsePositive,
  ),
  rate: optionalFlag('--rate <n>', 'requests a second of all connections, like 200k: the open model', parseLoadRate),
  stage: listFlag(
    '--stage <time:rate>',
    'in so long to that rate, like 10s:50k; again for each stage; the first begins at --rate, or 0',
    parseStage,
  ),
  arrival: flag(
    '--arrival <arrival>',
    'with a rate: at constant distances, or as a poisson process',
    parseOneOf(['constant', 'poisson'] as const),
    'constant',
  ),
  workers: flag('--workers <n>', 'threads that share the load', parsePositive, '1'),

  payloadSize: flag('--payload-size <n>', 'bytes of each payload; 16..1024 is a range', parsePayloadSize, '25'),
  payload: optionalFlag('--payload <kind>', 'words: each is a pair like firm-iron', parseOneOf(['words'] as const)),
  payloadFile: optionalFlag('--payload-file <file>', 'each of its lines is a payload, in turn', parseText),
  seed: flag('--seed <n>', 'the same seed, the same payloads and random arrivals', parseCount, '1'),

  duration: flag('--duration <time>', 'how long requests are sent and counted', parseDuration, '10s'),
  warmup: flag('--warmup <time>', 'how long requests are sent before that', parseDuration, '2s'),
  amount: optionalFlag('--amount <n>', 'send so many requests, however long it takes', parsePositive),
  timeout: flag('--timeout <time>', 'how long connecting may take, and each answer', parseDuration, '5s'),
} satisfies Flags

/** What `run` says, and where. */
export const OUTPUT_FLAGS = {
  ...RESULT_FLAGS,
  abortOnFail: switchFlag('--abort-on-fail', 'end the run as soon as a threshold is crossed'),
  quiet: switchFlag('--quiet', 'say nothing while it runs'),
  metricsPort: optionalFlag('--metrics-port <port>', 'serve the live figures to Prometheus there', parsePort),
  metricsHost: flag('--metrics-host <address>', 'where to serve them', parseText, '127.0.0.1'),
} satisfies Flags

export const SIMULATE_FLAGS = {
  ...TARGET,
  clients: flag('--clients <n>', 'connections at the same time', parsePositive, '5'),
  submits: flag('--submits <n>', 'requests of each', parsePositive, '10'),
  interval: flag('--interval <time>', 'from one request of a client to its next', parseDuration, '1s'),
} satisfies Flags

export const EXIT_STATUSES = `
A flag beats its environment variable, which beats its key in the file of --config: --port, DEMO_LOADGEN_PORT, port.
Times: 500ms, 10s, 5m; a limit of 0 is none. Rates: 500, 50k, 30/m, 10/h.
Progress goes to standard error, results to standard output.

Exit status: 0 fine, 1 the run failed (refused, lost, mismatched, unanswered), 2 usage, 3 the generator itself could not
keep up (what it did not send, or did not look at in time, is then no failure), 99 a threshold was crossed, or compare saw a
regression.`
