import { setMaxListeners } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { ExitError, ExitStatus, type Values } from '@demo/cli'
import { ClientError } from '@demo/client-sim'
import { explain } from './engine/explain.ts'
import type { OUTPUT_FLAGS, RUN_FLAGS } from './flags.ts'
import { type ProgressServer, serveProgress } from './live/serve-progress.ts'
import { showProgress } from './live/show-progress.ts'
import { isClean, jsonReport, textReport } from './report.ts'
import type { Measured } from './result.ts'
import { type RunOptions, run } from './run.ts'

/** The generator could not keep up: what it measured is itself. */
const SATURATED = 3

/** `demo-loadgen run`. @returns its exit status */
export async function runLoad(flags: Values<typeof RUN_FLAGS & typeof OUTPUT_FLAGS>): Promise<number> {
  const { json, quiet, metricsPort, metricsHost, ...options } = flags
  const { result } = await makeLoad(options, { quiet, metricsPort, metricsHost })
  const text = textReport(result, options)
  if (json === '-') {
    process.stderr.write(text)
    process.stdout.write(jsonReport(result, options))
  } else {
    process.stdout.write(text)
    if (json !== undefined) await orOneLine(writeFile(json, jsonReport(result, options)))
  }
  if (!isClean(result)) return ExitStatus.failed
  return result.saturated ? SATURATED : ExitStatus.ok
}

/** How a run is watched. */
interface Watching {
  readonly quiet: boolean
  readonly metricsPort: number | undefined
  readonly metricsHost: string
}

/** One run, watched; SIGINT ends it early. */
async function makeLoad(options: RunOptions, { quiet, metricsPort, metricsHost }: Watching): Promise<Measured> {
  const showing = showProgress(quiet)
  const serving: ProgressServer | undefined =
    metricsPort === undefined ? undefined : await orOneLine(serveProgress(metricsHost, metricsPort))
  if (serving !== undefined && !quiet) {
    process.stderr.write(`metrics: http://${metricsHost}:${serving.port}/metrics\n`)
  }
  try {
    return await orOneLine(
      run(
        options,
        (progress) => {
          showing.show(progress)
          serving?.show(progress)
        },
        untilInterrupted(),
      ),
    )
  } finally {
    showing.clear()
    await serving?.close()
  }
}

/** What the user can have caused becomes one line: nobody listens, a file can't be read or written. */
async function orOneLine<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ClientError) throw new ExitError(ExitStatus.failed, explain(error))
    if (error instanceof Error && 'syscall' in error) throw new ExitError(ExitStatus.failed, error.message)
    if (error instanceof RangeError) throw new ExitError(ExitStatus.usage, error.message)
    throw error
  }
}

/** Aborts at the first SIGINT; the second ends the process. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController()
  // Each client and each of its requests listens to it: that is no leak.
  setMaxListeners(0, interrupted.signal)
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(ExitStatus.failed))
    interrupted.abort()
  })
  return interrupted.signal
}
