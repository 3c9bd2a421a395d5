import { ExitError, ExitStatus, isSystemError, OptionError, usageError, type Values } from '@demo/cli'
import { ClientError } from '@demo/client-sim'
import { AbortOnFail } from './analysis/abort-on-fail.ts'
import { judge, percentilesOf } from './analysis/threshold.ts'
import { explainError } from './engine/explain-error.ts'
import type { RunOptions } from './engine/options.ts'
import { resolveEngine } from './engine/resolve-engine.ts'
import { statusOf } from './exit-status.ts'
import type { OUTPUT_FLAGS, RUN_FLAGS } from './flags.ts'
import { interruptSignal } from './interruption.ts'
import { type ProgressServer, serveProgress } from './live/serve-progress.ts'
import { showProgress } from './live/show-progress.ts'
import { describeEnvironment } from './report/environment.ts'
import { checkDestinations, writeResults } from './report/write.ts'
import { STANDARD_PERCENTILES, withPercentiles } from './run/percentiles.ts'
import { medianRun, repeatRun, withoutSlices } from './run/repeat.ts'
import type { Measured } from './run/result.ts'
import { type JudgeSoFar, run } from './run/run.ts'

/** `demo-loadgen run`: makes load, writes the results and judges them. @returns the exit status */
export async function runLoad(flags: Values<typeof RUN_FLAGS & typeof OUTPUT_FLAGS>): Promise<number> {
  const { json, hgrm, html, csv, threshold = [], repeat, quiet, metricsPort, metricsHost, ...rest } = flags
  const { abortOnFail, percentiles: requested, ...unresolved } = rest
  const percentiles = requested ?? STANDARD_PERCENTILES
  const destinations = { json, hgrm, html, csv }
  await checkDestinations(destinations)
  const options = await asExitError(resolveEngine(unresolved))
  // Percentiles beyond those that every result has.
  const extra = [...(requested ?? []), ...percentilesOf(threshold)]
  const aborting = new AbortOnFail(threshold)
  const judgeSoFar = abortOnFail ? (now: Measured) => aborting.judge(withPercentiles(now, extra).result) : undefined
  const startedAt = new Date().toISOString()
  const signal = interruptSignal()
  const measured = await repeatRun(
    repeat,
    async (before) => {
      if (repeat > 1 && quiet !== true) process.stderr.write(`run ${before + 1} of ${repeat}\n`)
      return withPercentiles(await makeLoad(options, { quiet, metricsPort, metricsHost, judgeSoFar }, signal), extra)
    },
    signal,
  )
  const shownAt = medianRun(measured)
  const shown = measured[shownAt]
  if (shown === undefined) throw new RangeError('no run was made')
  const runs = measured.map(withoutSlices)
  const thresholds = judge(threshold, runs)
  const environment = describeEnvironment()
  const document = { shown, shownAt, runs, percentiles, thresholds, startedAt, options, environment }
  await writeResults(document, destinations)
  return statusOf(runs, thresholds, aborting.hasAborted)
}

/** How the progress of a run is shown. */
interface WatchOptions {
  readonly quiet: boolean
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  /** Ends the run early. */
  readonly judgeSoFar: JudgeSoFar | undefined
}

/** Makes one run and shows its progress. The signal ends it early. */
async function makeLoad(
  options: RunOptions,
  { quiet, metricsPort, metricsHost, judgeSoFar }: WatchOptions,
  signal: AbortSignal,
): Promise<Measured> {
  const view = showProgress(quiet)
  const serving: ProgressServer | undefined =
    metricsPort === undefined ? undefined : await asExitError(serveProgress(metricsHost, metricsPort))
  if (serving !== undefined && !quiet) {
    process.stderr.write(`metrics: http://${metricsHost}:${serving.port}/metrics\n`)
  }
  try {
    return await asExitError(
      run(
        options,
        (progress) => {
          view.show(progress)
          serving?.show(progress)
        },
        signal,
        judgeSoFar,
      ),
    )
  } finally {
    view.clear()
    await serving?.close()
  }
}

/** Turns errors that the user can fix into one line: no connection, a file that can't be read, an invalid option. */
export async function asExitError<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ClientError) throw new ExitError(ExitStatus.failed, explainError(error))
    if (isSystemError(error)) throw new ExitError(ExitStatus.failed, explainError(error))
    if (error instanceof OptionError) throw usageError(error.message)
    throw error
  }
}
