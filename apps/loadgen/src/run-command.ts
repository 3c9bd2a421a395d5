import type { Values } from '@demo/cli'
import { statusOf } from './exit-status.ts'
import type { RUN_FLAGS } from './flags.ts'
import { untilInterrupted } from './interrupt.ts'
import { judge } from './judge/threshold.ts'
import { showProgress } from './progress.ts'
import { describeEnvironment } from './results/environment.ts'
import { middleRun, repeatRun, withoutSlices } from './results/repeat.ts'
import { writeResults } from './results/write.ts'
import { run } from './run.ts'
import { orOneLine } from './user-errors.ts'

/**
 * `demo-loadgen run`: makes the runs, writes what came of them, and judges it.
 *
 * @returns the exit status
 */
export async function runLoad(values: Values<typeof RUN_FLAGS>): Promise<number> {
  const { json, hgrm, html, threshold = [], repeat, ...options } = values
  const startedAt = new Date().toISOString()
  const signal = untilInterrupted()
  const measured = await repeatRun(
    repeat,
    (before) => {
      if (repeat > 1) process.stderr.write(`run ${before + 1} of ${repeat}\n`)
      return orOneLine(run(options, showProgress(), signal))
    },
    signal,
  )
  const shownAt = middleRun(measured)
  const runs = measured.map(withoutSlices)
  const thresholds = judge(threshold, runs)
  const environment = describeEnvironment()
  const document = { shown: measured[shownAt], shownAt, runs, thresholds, startedAt, options, environment }
  await orOneLine(writeResults(document, { json, hgrm, html }))
  return statusOf(runs, thresholds)
}
