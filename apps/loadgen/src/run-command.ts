import { ExitError, ExitStatus, isSystemError, OptionError, type Values } from '@demo/cli'
import { ClientError } from '@demo/client-sim'
import { abortOnFail } from './analysis/abort-on-fail.ts'
import { judge, percentilesOf } from './analysis/threshold.ts'
import { explainError } from './engine/explain-error.ts'
import type { RunOptions } from './engine/options.ts'
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

/** `demo-loadgen run`: makes load, writes what came of it, and judges it. @returns its exit status */
export async function runLoad(flags: Values<typeof RUN_FLAGS & typeof OUTPUT_FLAGS>): Promise<number> {
  const { json, hgrm, html, csv, threshold = [], repeat, quiet, metricsPort, metricsHost, ...rest } = flags
  const { abortOnFail: mayAbort, ...more } = rest
  const { percentiles = STANDARD_PERCENTILES, ...options } = more
  const destinations = { json, hgrm, html, csv }
  await checkDestinations(destinations)
  // What is asked for beyond what every result has.
  const asked = [...(more.percentiles ?? []), ...percentilesOf(threshold)]
  const judgeNow = abortOnFail(threshold)
  const judgeSoFar = mayAbort ? (now: Measured) => judgeNow(withPercentiles(now, asked).result) : undefined
  const startedAt = new Date().toISOString()
  const signal = interruptSignal()
  const measured = await repeatRun(
    repeat,
    async (before) => {
      if (repeat > 1 && quiet !== true) process.stderr.write(`run ${before + 1} of ${repeat}\n`)
      return withPercentiles(await makeLoad(options, { quiet, metricsPort, metricsHost, judgeSoFar }, signal), asked)
    },
    signal,
  )
  const shownAt = medianRun(measured)
  const runs = measured.map(withoutSlices)
  const thresholds = judge(threshold, runs)
  const environment = describeEnvironment()
  const document = { shown: measured[shownAt], shownAt, runs, percentiles, thresholds, startedAt, options, environment }
  await writeResults(document, destinations)
  return statusOf(runs, thresholds)
}

/** How a run is watched. */
interface Watching {
  readonly quiet: boolean
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  /** Ends the run early. */
  readonly judgeSoFar: JudgeSoFar | undefined
}

/** One run, watched; the signal ends it early. */
async function makeLoad(
  options: RunOptions,
  { quiet, metricsPort, metricsHost, judgeSoFar }: Watching,
  signal: AbortSignal,
): Promise<Measured> {
  const showing = showProgress(quiet)
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
          showing.show(progress)
          serving?.show(progress)
        },
        signal,
        judgeSoFar,
      ),
    )
  } finally {
    showing.clear()
    await serving?.close()
  }
}

/** What the user can have caused becomes one line: nobody listens, a file can't be read or written. */
export async function asExitError<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ClientError) throw new ExitError(ExitStatus.failed, explainError(error))
    if (isSystemError(error)) throw new ExitError(ExitStatus.failed, explainError(error))
    if (error instanceof OptionError) throw new ExitError(ExitStatus.usage, error.message)
    throw error
  }
}
