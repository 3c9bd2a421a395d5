import { within } from '@demo/cli'
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

/** How often a run that can end early is judged, in milliseconds. */
const JUDGING_INTERVAL = 1000

/** Timers can fire a millisecond early. A wait is longer by this, so that a time limit is never cut short. */
const TIMER_EARLINESS = 2

/** Judges a run so far. @returns why it must end, in one line; undefined if it may go on */
export type JudgeSoFar = (measured: Measured) => string | undefined

/**
 * Makes load: connects, warms up, sends and counts, and waits for the last answers.
 *
 * @param observer is called five times a second
 * @param signal ends the sending early, for its reason; answers to what was sent are still waited for and counted
 * @param judgeSoFar is called once a second during the load
 * @throws ClientError if a connection can't be opened
 * @throws OptionError if options do not go together
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
  // A single worker runs in this thread, which has little else to do.
  const workers: readonly LoadWorker[] = plans.map((plan, worker) => {
    const Kind = plans.length === 1 ? LocalLoadWorker : RemoteLoadWorker
    return new Kind(plan, (sample) => monitor.add(worker, sample))
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
    // The drain after an interrupted load runs to its end. The drain itself can be interrupted.
    await within(orNoLimit(timeout) + TIMER_EARLINESS, answered, endedBy === undefined ? signal : undefined)
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
    // A worker that has failed ends the run by itself.
    if (outcomes === undefined) return
    const reason = judgeNow(measure(outcomes, { cpu: 0, slices: [], interruptedBecause: null }))
    if (reason !== undefined) failing.abort(reason)
  }
}

const reasonOf = (signal: AbortSignal) => (signal.aborted ? String(signal.reason) : undefined)

const orNoLimit = (milliseconds: number) => (milliseconds === 0 ? NO_LIMIT : milliseconds)
