import { setTimeout as sleep } from 'node:timers/promises'
import { ClosedLoad } from './closed-load.ts'
import { LatencyRecorder } from './latency.ts'
import type { Measured, Slice } from './result.ts'

/** What load to make. Times in milliseconds. */
export interface RunOptions {
  readonly host: string
  readonly port: number
  readonly dialect: 'specification' | 'go-demo'
  /** Connections at the same time. */
  readonly connections: number
  /** Requests sent and not answered on each connection. */
  readonly window: number
  /** The length of each payload in bytes. */
  readonly payloadSize: number
  /** How long requests are sent and counted, 0 until told to stop; not looked at when there is an `amount`. */
  readonly duration: number
  /** How long requests are sent before that, and not counted. */
  readonly warmup: number
  /** How many requests are sent and counted. */
  readonly amount: number | undefined
  /** How long connecting may take, and waiting for the last answers, or for the next of an `amount`. */
  readonly timeout: number
}

/** How a run is going. */
export interface Progress {
  readonly phase: 'warm-up' | 'load' | 'drain'
  /** Answers that came so far, in a warm-up those of the warm-up. */
  readonly acks: number
  readonly inFlight: number
  readonly errors: number
}

const PROGRESS_INTERVAL = 1000
const NO_LIMIT = Number.POSITIVE_INFINITY

/**
 * Makes load: connects, warms up, sends and counts, waits for the last answers.
 *
 * @param onProgress called every second
 * @param signal ends the sending early; what was sent is still waited for and told
 * @throws ClientError when a connection can't be made
 */
export async function run(
  options: RunOptions,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Measured> {
  const { amount, duration, warmup, timeout } = options
  const load = new ClosedLoad(options)
  let phase: Progress['phase'] = 'warm-up'
  const timer = setInterval(() => {
    onProgress({ phase, acks: load.tally.acksArrived, inFlight: load.inFlight, errors: load.errors.length })
  }, PROGRESS_INTERVAL)
  try {
    await load.connect()
    if (warmup > 0) {
      load.start(NO_LIMIT)
      await within(warmup, load.idle(), signal)
    }

    phase = 'load'
    load.start(amount ?? NO_LIMIT)
    const slices: Slice[] = []
    let before = 0
    const slicer = setInterval(() => {
      const { p50, p99, p999, max } = load.tally.slice.summarize()
      load.tally.slice = new LatencyRecorder()
      const acks = load.tally.acksArrived - before
      before += acks
      slices.push({
        atSeconds: slices.length / 10,
        seconds: 0.1,
        acks,
        failedAcks: 0,
        errors: 0,
        inFlight: load.inFlight,
        p50,
        p99,
        p999,
        max,
      })
    }, 100)
    const done = amount === undefined ? load.idle() : Promise.race([load.idle(), load.stalled(orNoLimit(timeout))])
    await within(amount === undefined ? orNoLimit(duration) : NO_LIMIT, done, signal)
    const { tally } = load
    const durationSeconds = (performance.now() - tally.since) / 1000
    const arrivedInTime = tally.acksArrived

    phase = 'drain'
    load.stop()
    await within(orNoLimit(timeout), load.idle())
    clearInterval(slicer)
    const latencyMs = tally.latencies.summarize()
    return {
      latencies: tally.latencies.histogram,
      serviceTimes: tally.latencies.histogram,
      result: {
        requests: tally.requests,
        acks: tally.acks,
        failedAcks: tally.failedAcks,
        unsent: 0,
        waited: 0,
        unanswered: tally.requests - tally.acks,
        mismatched: load.mismatched,
        duplicates: 0,
        timedOut: 0,
        errors: load.errors.length,
        errorMessages: [...new Set(load.errors.map((error) => error.message))],
        reconnects: 0,
        durationSeconds: Number(durationSeconds.toFixed(3)),
        acksPerSecond: Math.round(arrivedInTime / durationSeconds),
        latencyMs,
        serviceTimeMs: latencyMs,
        offeredRate: null,
        sentRate: Math.round(tally.requests / durationSeconds),
        scheduleLagMs: null,
        saturated: false,
        saturatedBecause: null,
        generator: {
          cpuPercent: 100,
          workers: 1,
          busyPercent: [100],
          eventLoopDelayMs: new LatencyRecorder().summarize(),
        },
        slices,
      },
    }
  } finally {
    clearInterval(timer)
    load.end()
  }
}

const orNoLimit = (milliseconds: number) => (milliseconds === 0 ? NO_LIMIT : milliseconds)

/** Waits until something is done, or the time is up, or the signal aborts. */
async function within(milliseconds: number, done: Promise<void>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController()
  const signals = signal === undefined ? [over.signal] : [over.signal, signal]
  const time = sleep(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal: AbortSignal.any(signals) })
  await Promise.race([done, time.catch(() => {})])
  over.abort()
}
