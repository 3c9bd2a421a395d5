#!/usr/bin/env node
import { setMaxListeners } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { addFlags, Command, ExitError, ExitStatus, parseCommandLine, runProgram, type Values } from '@demo/cli'
import { ClientError, describeEvent, simulate } from '@demo/client-sim'
import manifest from '../package.json' with { type: 'json' }
import { EXIT_STATUSES, RUN_FLAGS, SIMULATE_FLAGS } from './flags.ts'
import { isClean, jsonReport, progressLine, textReport } from './report.ts'
import { type Progress, run } from './run.ts'

const VARIABLES = 'DEMO_LOADGEN'

await runProgram('demo-loadgen', async () => {
  let status: number = ExitStatus.ok
  const program = new Command('demo-loadgen')
    .description('Makes load for a server of framed requests, and tells what it can take.')
    .version(manifest.version)
    .addHelpText('after', EXIT_STATUSES)

  const runCommand: Command = program
    .command('run', { isDefault: true })
    .description('fill the window of each connection')
    .allowExcessArguments()
    .action(async () => {
      const [word] = runCommand.args
      if (word !== undefined)
        throw new ExitError(
          ExitStatus.usage,
          `unexpected argument '${word}': the commands are run and simulate; see --help`,
        )
      status = await runLoad(runCommand.opts<Values<typeof RUN_FLAGS>>())
    })
  addFlags(runCommand, VARIABLES, RUN_FLAGS)

  const simulateCommand = program
    .command('simulate')
    .description('a few clients of a few requests each, and a line for each of them')
    .action(async () => {
      status = await runSimulation(simulateCommand.opts<Values<typeof SIMULATE_FLAGS>>())
    })
  addFlags(simulateCommand, VARIABLES, SIMULATE_FLAGS)

  await parseCommandLine(program, process.argv)
  return status
})

async function runLoad({ json, ...options }: Values<typeof RUN_FLAGS>): Promise<number> {
  const result = await orOneLine(run(options, showProgress(), untilInterrupted()))
  const text = textReport(result, options)
  if (json === '-') {
    process.stderr.write(text)
    process.stdout.write(jsonReport(result, options))
  } else {
    process.stdout.write(text)
    if (json !== undefined) await orOneLine(writeFile(json, jsonReport(result, options)))
  }
  return isClean(result) ? ExitStatus.ok : ExitStatus.failed
}

async function runSimulation(options: Values<typeof SIMULATE_FLAGS>): Promise<number> {
  const { failed, errors } = await simulate({ ...options, signal: untilInterrupted() }, (event) => {
    process.stdout.write(`${describeEvent(event)}\n`)
  })
  return failed === 0 && errors === 0 ? ExitStatus.ok : ExitStatus.failed
}

/** What the user can have caused becomes one line: nobody listens, a file can't be written. */
async function orOneLine<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    const expected = error instanceof ClientError || (error instanceof Error && 'syscall' in error)
    if (expected) throw new ExitError(ExitStatus.failed, error.message)
    if (error instanceof RangeError) throw new ExitError(ExitStatus.usage, error.message)
    throw error
  }
}

/** Aborts at the first SIGINT; the second ends the process. */
function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController()
  // Each client and each of its requests listens to it: that is no leak.
  setMaxListeners(0, interrupted.signal)
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(ExitStatus.failed))
    interrupted.abort()
  })
  return interrupted.signal
}

/** A line a second on standard error; on a terminal each takes the place of the one before. */
function showProgress(): (progress: Progress) => void {
  const terminal = process.stderr.isTTY === true
  let before: Progress | undefined
  return (progress) => {
    const line = progressLine(progress, before)
    process.stderr.write(terminal ? `\r\x1b[2K${line}` : `${line}\n`)
    if (terminal && progress.phase === 'drain') process.stderr.write('\n')
    before = progress
  }
}
