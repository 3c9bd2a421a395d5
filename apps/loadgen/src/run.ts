import { setTimeout as sleep } from 'node:timers/promises'
import { Distribution, type PackedDistribution } from './engine/distribution.ts'
import type { LoadWorker, WorkerOutcome } from './engine/load-worker.ts'
import { LocalLoadWorker } from './engine/local-load-worker.ts'
import { Monitor, type Progress } from './engine/monitor.ts'
import { limitOf, planWorkers } from './engine/plan.ts'
import { RemoteLoadWorker } from './engine/remote-load-worker.ts'
import type { RunOptions } from './options.ts'
import type { Measured } from './result.ts'
import { type Evidence, whySaturated } from './verdict.ts'

export type { Progress } from './engine/monitor.ts'
export type { RunOptions } from './options.ts'

const PROGRESS_INTERVAL = 200
const NO_LIMIT = Number.POSITIVE_INFINITY

/**
 * Makes load: connects, warms up, sends and counts, waits for the last answers.
 *
 * @param observer called five times a second
 * @param signal ends the sending early; what was sent is still waited for and told
 * @throws ClientError when a connection can't be made
 * @throws OptionError when options do not go together
 */
export async function run(
  options: RunOptions,
  observer: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Measured> {
  const { amount, warmup, timeout } = options
  const duration = amount === undefined ? orNoLimit(options.duration) : NO_LIMIT
  const plans = await planWorkers(options)
  const monitor = new Monitor(options)
  // One worker is this thread: what it does beside its load is little.
  const workers: readonly LoadWorker[] = plans.map((plan, worker) => {
    const Kind = plans.length === 1 ? LocalLoadWorker : RemoteLoadWorker
    return new Kind(plan, (sample) => monitor.take(worker, sample))
  })
  const all = (ask: (one: LoadWorker, worker: number) => Promise<void>) => Promise.all(workers.map(ask))
  const timer = setInterval(() => observer(monitor.progress()), PROGRESS_INTERVAL)
  const stop = () => void all((worker) => worker.stop()).catch(() => {})
  signal.addEventListener('abort', stop)
  let finished = false
  try {
    await all((worker) => worker.connect())
    if (warmup > 0 && !signal.aborted) {
      monitor.enter('warm-up')
      await all((worker) => worker.begin())
      await within(
        warmup,
        all((worker) => worker.done()),
        signal,
      )
    }
    const usage = process.cpuUsage()
    const interrupted = signal.aborted
    if (!interrupted) {
      monitor.enter('load')
      await all((one, worker) => one.count(limitOf(options, worker)))
      await within(
        duration,
        all((worker) => worker.done()),
        signal,
      )
    }
    await all((worker) => worker.stop())
    const cpu = process.cpuUsage(usage)

    monitor.enter('drain')
    await within(
      orNoLimit(timeout),
      all((worker) => worker.done()),
    )
    const outcomes = await Promise.all(workers.map((worker) => worker.finish()))
    finished = true
    return measure(outcomes, (cpu.user + cpu.system) / 1000, monitor, interrupted)
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
    if (!finished) await Promise.allSettled(workers.map((worker) => worker.finish()))
  }
}

/** Puts together what came of all workers. */
function measure(
  outcomes: readonly WorkerOutcome[],
  cpuMilliseconds: number,
  monitor: Monitor,
  interrupted: boolean,
): Measured {
  const sum = (pick: (outcome: WorkerOutcome) => number) => outcomes.reduce((total, one) => total + pick(one), 0)
  const open = outcomes.every(({ lags }) => lags !== undefined)
  const responseTimes = merge(outcomes.map((outcome) => outcome.responseTimes))
  const serviceTimes = open ? merge(outcomes.map((outcome) => outcome.serviceTimes)) : responseTimes
  const lags = open ? merge(outcomes.map((outcome) => outcome.lags)) : undefined
  const busy = outcomes.map((outcome) => outcome.busy)
  const duration = Math.max(...outcomes.map((outcome) => outcome.duration))
  // Each worker by its own clock: they do not begin and stop at the very same moment.
  const offeredRate = open ? sum((outcome) => perSecond(outcome.offered, outcome.scheduled)) : null
  const sentRate = sum((outcome) => perSecond(outcome.sentInTime, outcome.sending))
  const requests = sum((outcome) => outcome.requests)
  const acks = sum((outcome) => outcome.acks)
  const evidence: Evidence = { offeredRate, sentRate, lagP99: lags?.percentile(99) ?? null, busy }
  const saturatedBecause = whySaturated(evidence)
  const errors = outcomes.flatMap((outcome) => outcome.errors)
  return {
    result: {
      requests,
      acks,
      failedAcks: sum((outcome) => outcome.failedAcks),
      unanswered: requests - acks,
      lost: 0,
      overdue: sum((outcome) => outcome.overdue),
      unsent: sum((outcome) => outcome.unsent),
      notReached: 0,
      neverAnswered: 0,
      mismatched: sum((outcome) => outcome.mismatched),
      duplicates: sum((outcome) => outcome.duplicates),
      timedOut: sum((outcome) => outcome.late + outcome.overdue),
      late: sum((outcome) => outcome.late),
      errors: errors.reduce((total, [, count]) => total + count, 0),
      errorMessages: [...new Set(errors.map(([message]) => message))],
      reconnects: sum((outcome) => outcome.reconnects),
      outages: [],
      outageSeconds: 0,
      interrupted,
      interruptedBecause: null,
      durationSeconds: Number((duration / 1000).toFixed(3)),
      acksPerSecond: Math.round(sum((outcome) => perSecond(outcome.arrivedInTime, outcome.duration))),
      latencyMs: responseTimes.summarize(),
      serviceTimeMs: serviceTimes.summarize(),
      offeredRate: offeredRate === null ? null : Number(offeredRate.toPrecision(6)),
      sentRate: Number(sentRate.toPrecision(6)),
      scheduleLagMs: lags?.summarize() ?? null,
      waited: sum((outcome) => outcome.waited),
      saturated: saturatedBecause !== null,
      saturatedBecause,
      generator: {
        cpuPercent: duration === 0 ? 0 : Math.round((cpuMilliseconds / duration) * 100),
        workers: outcomes.length,
        busyPercent: busy.map((worker) => Math.round(worker * 100)),
        eventLoopDelayMs: merge(outcomes.map((outcome) => outcome.loopDelays)).summarize(),
      },
      targets: [],
      slices: monitor.slices(),
    },
    latencies: responseTimes,
    serviceTimes,
    lags,
  }
}

function merge(packed: readonly (PackedDistribution | undefined)[]): Distribution {
  const merged = new Distribution()
  for (const one of packed) if (one !== undefined) merged.add(one)
  return merged
}

const perSecond = (count: number, milliseconds: number) => (milliseconds === 0 ? 0 : (count / milliseconds) * 1000)

const orNoLimit = (milliseconds: number) => (milliseconds === 0 ? NO_LIMIT : milliseconds)

/** Waits until something is done, or the time is up, or the signal aborts. */
async function within(milliseconds: number, done: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController()
  const signals = signal === undefined ? [over.signal] : [over.signal, signal]
  const time = sleep(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal: AbortSignal.any(signals) })
  // What comes of it when the time is up is nobody's business any more.
  done.catch(() => {})
  try {
    await Promise.race([done, time.catch(() => {})])
  } finally {
    over.abort()
  }
}
