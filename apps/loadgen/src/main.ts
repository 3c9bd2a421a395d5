#!/usr/bin/env node
import { addFlags, Command, ExitError, ExitStatus, parseCommandLine, runProgram, type Values } from '@demo/cli'
import { describeEvent, simulate } from '@demo/client-sim'
import manifest from '../package.json' with { type: 'json' }
import { COMPARE_FLAGS, runCompare } from './compare-command.ts'
import { EXIT_STATUSES, OUTPUT_FLAGS, RUN_FLAGS, SIMULATE_FLAGS } from './flags.ts'
import { untilInterrupted } from './interruption.ts'
import { runLoad } from './run-command.ts'
import { runSearch, SEARCH_FLAGS } from './search-command.ts'

const VARIABLES = 'DEMO_LOADGEN'

await runProgram('demo-loadgen', async () => {
  let status: number = ExitStatus.ok
  const program = new Command('demo-loadgen')
    .description('Makes load for a server of framed requests, and tells what it can take.')
    .version(manifest.version)
    .addHelpText('after', EXIT_STATUSES)

  const runCommand: Command = program
    .command('run', { isDefault: true })
    .description('make load: fill the window of each connection, or offer a rate')
    .allowExcessArguments()
    .action(async () => {
      const [word] = runCommand.args
      if (word !== undefined)
        throw new ExitError(
          ExitStatus.usage,
          `unexpected argument '${word}': the commands are run, compare, search and simulate; see --help`,
        )
      status = await runLoad(runCommand.opts<Values<typeof RUN_FLAGS & typeof OUTPUT_FLAGS>>())
    })
  addFlags(runCommand, VARIABLES, { ...RUN_FLAGS, ...OUTPUT_FLAGS })

  const compareCommand = program
    .command('compare')
    .description('tell whether a build is better or worse than the one before: compare before.json after.json')
    .argument('[files...]', 'the two results that run --json wrote')
    .action(async (files: string[]) => {
      status = await runCompare(files, compareCommand.opts<Values<typeof COMPARE_FLAGS>>())
    })
  addFlags(compareCommand, VARIABLES, COMPARE_FLAGS)

  const searchCommand = program
    .command('search')
    .description("find the highest rate that meets a condition: search --slo 'p99<10ms'")
    .allowExcessArguments(false)
    .action(async () => {
      status = await runSearch(searchCommand.opts<Values<typeof SEARCH_FLAGS>>())
    })
  addFlags(searchCommand, VARIABLES, SEARCH_FLAGS)

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

async function runSimulation(options: Values<typeof SIMULATE_FLAGS>): Promise<number> {
  const { failed, errors } = await simulate({ ...options, signal: untilInterrupted() }, (event) => {
    process.stdout.write(`${describeEvent(event)}\n`)
  })
  return failed === 0 && errors === 0 ? ExitStatus.ok : ExitStatus.failed
}
