import { type Flags, flag, optionalFlag, parseCount, parseDuration, parseOneOf, parsePort, parseText } from '@demo/cli'
import { RESULT_FLAGS } from './results/flags.ts'

/** @throws RangeError when it is 0 */
function parsePositive(text: string): number {
  const value = parseCount(text)
  if (value === 0) throw new RangeError('it must be a whole number above 0')
  return value
}

/** Much more than a receiver takes by default. Each connection keeps a frame of it. */
const MAX_PAYLOAD_SIZE = 64 * 1024 * 1024

/** @throws RangeError when it is too long */
function parsePayloadSize(text: string): number {
  const value = parseCount(text)
  if (value > MAX_PAYLOAD_SIZE) throw new RangeError(`it must be at most ${MAX_PAYLOAD_SIZE}`)
  return value
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
  connections: flag('--connections <n>', 'connections at the same time', parsePositive, '100'),
  window: flag('--window <n>', 'requests in flight on each connection', parsePositive, '1000'),
  payloadSize: flag('--payload-size <n>', 'bytes of each payload', parsePayloadSize, '25'),
  duration: flag('--duration <time>', 'how long requests are sent and counted', parseDuration, '10s'),
  warmup: flag('--warmup <time>', 'how long requests are sent before that', parseDuration, '2s'),
  amount: optionalFlag('--amount <n>', 'send so many requests, however long it takes', parsePositive),
  timeout: flag('--timeout <time>', 'how long connecting may take, and the last answers', parseDuration, '5s'),
  ...RESULT_FLAGS,
} satisfies Flags

export const SIMULATE_FLAGS = {
  ...TARGET,
  clients: flag('--clients <n>', 'connections at the same time', parsePositive, '5'),
  submits: flag('--submits <n>', 'requests of each', parsePositive, '10'),
  interval: flag('--interval <time>', 'from one request of a client to its next', parseDuration, '1s'),
} satisfies Flags

export const EXIT_STATUSES = `
Each flag has an environment variable: DEMO_LOADGEN_PORT for --port. Times: 500ms, 10s, 5m; 0 is no limit.
Progress goes to standard error, results to standard output.

Exit status: 0 fine, 1 the run failed (refused, lost, mismatched, unanswered), 2 usage,
3 the generator itself could not keep up, 99 a threshold was crossed, or compare saw a regression.`
