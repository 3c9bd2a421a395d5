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

/** @throws OptionError if it is 0 */
function parsePositive(text: string): number {
  const value = parseCount(text)
  if (value === 0) throw new OptionError('expected a whole number above 0')
  return value
}

/** More than one machine can send. */
const MAX_RATE = 1e9

/** Parses a rate of load like `500`, `0.5`, `200k` or `30/m`. @throws OptionError that says what is expected */
export function parseLoadRate(text: string): number {
  const rate = parseRate(text)
  if (rate === 0 || rate > MAX_RATE)
    throw new OptionError(`expected a rate like 500, 200k or 30/m, above 0 and at most ${MAX_RATE} a second`)
  return rate
}

const STAGE = /^([^:]+):([^:]+)$/

/** Parses `10s:50k`: a duration, and the rate at its end. @throws OptionError that says what is expected */
function parseStage(text: string): Stage {
  const [, time = '', rate = ''] = STAGE.exec(text) ?? []
  if (time === '') throw new OptionError('expected a duration and the rate at its end, like 10s:50k')
  const duration = parseDuration(time)
  if (duration === 0) throw new OptionError('expected a duration above 0 for each stage')
  return { duration, rate: rate === '0' ? 0 : parseLoadRate(rate) }
}

/** More than a receiver accepts by default. Each connection keeps a frame of this size. */
const MAX_PAYLOAD_SIZE = 64 * 1024 * 1024

const RANGE = /^(\d+)\.\.(\d+)$/

/** Parses `25` or `16..1024`. @throws OptionError that says what is expected */
export function parsePayloadSize(text: string): PayloadSize {
  const [, least = text, most = text] = RANGE.exec(text) ?? []
  const [min, max] = [parseCount(least), parseCount(most)]
  if (max > MAX_PAYLOAD_SIZE) throw new OptionError(`expected at most ${MAX_PAYLOAD_SIZE} bytes`)
  if (min > max) throw new OptionError(`expected a size like 25, or a range like 16..1024; ${min} is above ${max}`)
  return min === max ? min : { min, max }
}

const SERVER = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/

/** Parses `127.0.0.1:8888`, `[::1]:8888` or `unix:/run/demo.sock`. @throws OptionError that says what is expected */
export function parseServer(text: string): ServerLocation {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) }
  const [, address, name, port] = SERVER.exec(text) ?? []
  const host = address ?? name
  if (host === undefined || port === undefined) {
    throw new OptionError('expected a server like 127.0.0.1:8888, [::1]:8888 or unix:/run/demo.sock')
  }
  return { host, port: parsePort(port) }
}

const TARGET = {
  host: flag('--host <address>', 'address of the server', parseText, '127.0.0.1'),
  port: flag('--port <port>', 'port of the server', parsePort, '8888'),
  dialect: flag(
    '--dialect <dialect>',
    'dialect of the server: specification, or go-demo for the servers of the Go series',
    parseOneOf(['specification', 'go-demo'] as const),
    'specification',
  ),
} satisfies Flags

export const RUN_FLAGS = {
  ...TARGET,
  path: optionalFlag('--path <file>', 'Unix socket of the server, instead of host and port', parseText),
  target: listFlag(
    '--target <server>',
    'host:port or unix:/path; can be given several times, for several servers',
    parseServer,
  ),
  tls: switchFlag('--tls', 'use TLS; each of the TLS flags below implies it'),
  tlsCa: optionalFlag('--tls-ca <file>', 'trusted certificate authorities, instead of those of Node', parseText),
  tlsCert: optionalFlag('--tls-cert <file>', 'client certificate, for servers that require one', parseText),
  tlsKey: optionalFlag('--tls-key <file>', 'key of the client certificate', parseText),
  tlsServername: optionalFlag(
    '--tls-servername <name>',
    'name that the server certificate must have (default: the host)',
    parseText,
  ),
  tlsInsecure: switchFlag(
    '--tls-insecure',
    'accept any server certificate; this allows an attacker to pose as the server',
  ),
  tokenFile: optionalFlag(
    '--token-file <file>',
    'credentials, sent in a Conn as the first packet of each connection',
    parseText,
  ),

  connections: flag('--connections <n>', 'number of connections', parsePositive, '100'),
  connectRate: optionalFlag('--connect-rate <n>', 'connections to open a second (default: all at once)', parseLoadRate),
  reconnectEvery: optionalFlag(
    '--reconnect-every <n>',
    'replace each connection after this number of requests',
    parsePositive,
  ),
  noReconnect: switchFlag('--no-reconnect', 'do not open lost connections again'),
  window: optionalFlag(
    '--window <n>',
    'requests in flight on each connection (default: 1000; with a rate, as many as memory allows)',
    parsePositive,
  ),
  rate: optionalFlag('--rate <n>', 'requests a second on all connections, like 200k: the open model', parseLoadRate),
  stage: listFlag(
    '--stage <time:rate>',
    'change to this rate within this time, like 10s:50k; can be given several times; begins at --rate, or 0',
    parseStage,
  ),
  arrival: flag(
    '--arrival <arrival>',
    'with a rate: constant intervals, or a poisson process',
    parseOneOf(['constant', 'poisson'] as const),
    'constant',
  ),
  engine: flag(
    '--engine <engine>',
    'what moves the bytes: native (@demo/engine, on Linux), node, or auto: native where it can be used',
    parseOneOf(['auto', 'native', 'node'] as const),
    'auto',
  ),
  workers: flag('--workers <n>', 'number of threads that share the load', parsePositive, '1'),

  payloadSize: flag('--payload-size <n>', 'bytes of each payload, or a range like 16..1024', parsePayloadSize, '25'),
  payload: optionalFlag(
    '--payload <kind>',
    'kind of payload: words, each a pair like firm-iron',
    parseOneOf(['words'] as const),
  ),
  payloadFile: optionalFlag('--payload-file <file>', 'file whose lines are the payloads, in turn', parseText),
  seed: flag('--seed <n>', 'seed of random payloads and arrivals', parseCount, '1'),

  duration: flag('--duration <time>', 'how long to send and count requests', parseDuration, '10s'),
  warmup: flag('--warmup <time>', 'how long to send requests before that, not counted', parseDuration, '2s'),
  amount: optionalFlag('--amount <n>', 'number of requests to send, instead of a duration', parsePositive),
  timeout: flag('--timeout <time>', 'time limit for connecting and for each answer', parseDuration, '5s'),
} satisfies Flags

/** Flags of the output of `run`. */
export const OUTPUT_FLAGS = {
  ...RESULT_FLAGS,
  abortOnFail: switchFlag('--abort-on-fail', 'end the run as soon as a threshold is crossed'),
  quiet: switchFlag('--quiet', 'show no progress'),
  metricsPort: optionalFlag('--metrics-port <port>', 'port to serve the progress on, for Prometheus', parsePort),
  metricsHost: flag('--metrics-host <address>', 'address to serve the progress on', parseText, '127.0.0.1'),
} satisfies Flags

export const SIMULATE_FLAGS = {
  ...TARGET,
  clients: flag('--clients <n>', 'number of clients', parsePositive, '5'),
  submits: flag('--submits <n>', 'requests of each client', parsePositive, '10'),
  interval: flag('--interval <time>', 'time between two requests of a client', parseDuration, '1s'),
} satisfies Flags

export const EXIT_STATUSES = `
A flag beats its environment variable, which beats its key in the file of --config: --port, DEMO_LOADGEN_PORT, port.
Times: 500ms, 10s, 5m; 0 is no limit. Rates: 500, 50k, 30/m, 10/h.
Progress goes to standard error, results to standard output.

Exit status: 0 ok, 1 the run failed (refused, lost, mismatched, unanswered), 2 invalid usage, 3 the generator was saturated
(requests it did not send, or sent too late, are then no failure), 99 a threshold was crossed, or compare found a
regression.`
