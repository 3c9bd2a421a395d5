import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadWorker } from '../engine/load-worker.ts'
import { LocalLoadWorker } from '../engine/local-load-worker.ts'
import { Monitor, type Progress } from '../engine/monitor.ts'
import { durationOf, type RunOptions, warmupOf } from '../engine/options.ts'
import { limitOf, planWorkers } from '../engine/plan.ts'
import { RemoteLoadWorker } from '../engine/remote-load-worker.ts'
import { measure } from './measure.ts'
import type { Measured } from './result.ts'

const PROGRESS_INTERVAL = 200
const NO_LIMIT = Number.POSITIVE_INFINITY

/** How often a run that may be ended early is judged, in milliseconds. */
const JUDGING_INTERVAL = 1000

/** The longest that a timer of Node can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** Timers may be early by a millisecond: what may take so long is not said to have taken longer. */
const EARLY = 2

/** Judges what came of a run so far. @returns why it must end, in one line */
export type JudgeSoFar = (measured: Measured) => string | undefined

/**
 * Makes load: connects, warms up, sends and counts, waits for the last answers.
 *
 * @param observer called five times a second
 * @param signal ends the sending early, for the reason that it has; what was sent is still waited for and counted
 * @param judgeSoFar called once a second while it counts
 * @throws ClientError when a connection can't be made
 * @throws OptionError when options do not go together
 */
export async function run(
  options: RunOptions,
  observer: (progress: Progress) => void,
  signal: AbortSignal,
  judgeSoFar?: JudgeSoFar,
): Promise<Measured> {
  const { amount, timeout } = options
  const warmup = warmupOf(options)
  const plans = await planWorkers(options)
  const monitor = new Monitor(options)
  // One worker is this thread: what it does beside its load is little.
  const workers: readonly LoadWorker[] = plans.map((plan, worker) => {
    const Kind = plans.length === 1 ? LocalLoadWorker : RemoteLoadWorker
    return new Kind(plan, (sample) => monitor.take(worker, sample))
  })
  const all = <Value>(ask: (one: LoadWorker, worker: number) => Promise<Value>) => Promise.all(workers.map(ask))
  const timer = setInterval(() => observer(monitor.progress()), PROGRESS_INTERVAL)
  const failing = new AbortController()
  const ending = AbortSignal.any([signal, failing.signal])
  const stop = () => void all((worker) => worker.stop()).catch(() => {})
  ending.addEventListener('abort', stop)
  let finished = false
  try {
    await all((worker) => worker.connect())
    if (warmup > 0 && !ending.aborted) {
      monitor.enter('warm-up')
      await all((worker) => worker.begin())
      await within(warmup, undefined, ending)
    }
    const usage = process.cpuUsage()
    let gaveUp: string | undefined
    if (!ending.aborted) {
      monitor.enter('load')
      await all((one, worker) => one.count(limitOf(options, worker)))
      const judging = judgeSoFar === undefined ? undefined : setInterval(judge, JUDGING_INTERVAL, judgeSoFar)
      const whole = amount === undefined ? undefined : all((worker) => worker.done())
      const reasons = await within(amount === undefined ? orNoLimit(durationOf(options)) : NO_LIMIT, whole, ending)
      clearInterval(judging)
      gaveUp = reasons?.find((reason) => reason !== undefined)
    }
    let endedBy = reasonOf(ending)
    await all((worker) => worker.stop())
    const cpu = process.cpuUsage(usage)

    monitor.enter('drain')
    const answered = all((worker) => worker.done())
    // A load that was ended early is waited for; a drain can be ended early itself.
    await within(orNoLimit(timeout) + EARLY, answered, endedBy === undefined ? signal : undefined)
    endedBy ??= reasonOf(signal)
    const outcomes = await all((worker) => worker.finish())
    finished = true
    const sent = outcomes.reduce((sum, { requests }) => sum + requests, 0)
    return measure(outcomes, {
      cpu: (cpu.user + cpu.system) / 1000,
      slices: monitor.slices(),
      interruptedBecause:
        endedBy ?? (gaveUp === undefined ? null : `${gaveUp}: ${sent} of ${amount} requests were sent`),
    })
  } finally {
    clearInterval(timer)
    ending.removeEventListener('abort', stop)
    if (!finished) await Promise.allSettled(workers.map((worker) => worker.finish()))
  }

  async function judge(judgeNow: JudgeSoFar): Promise<void> {
    const outcomes = await all((worker) => worker.soFar()).catch(() => undefined)
    // A worker that is gone ends the run by itself.
    if (outcomes === undefined) return
    const reason = judgeNow(measure(outcomes, { cpu: 0, slices: [], interruptedBecause: null }))
    if (reason !== undefined) failing.abort(reason)
  }
}

const reasonOf = (signal: AbortSignal) => (signal.aborted ? String(signal.reason) : undefined)

const orNoLimit = (milliseconds: number) => (milliseconds === 0 ? NO_LIMIT : milliseconds)

/** Waits until something is done, or the time is up, or the signal aborts. @returns what was done; else undefined */
async function within<Value>(
  milliseconds: number,
  done: Promise<Value> | undefined,
  signal?: AbortSignal,
): Promise<Value | undefined> {
  const over = new AbortController()
  const signals = signal === undefined ? [over.signal] : [over.signal, signal]
  const time = sleep(Math.min(milliseconds, LONGEST), undefined, { signal: AbortSignal.any(signals) })
  // What comes of it when the time is up does not matter any more.
  done?.catch(() => {})
  try {
    return await Promise.race([...(done === undefined ? [] : [done]), time.catch(() => undefined)])
  } finally {
    over.abort()
  }
}
