#!/usr/bin/env node
import {
  addCompletion,
  addConfigFile,
  addFlags,
  Command,
  ExitStatus,
  type Flags,
  optionalFlag,
  parseCommandLine,
  parseText,
  runProgram,
  usageError,
  type Values,
} from '@demo/cli'
import { describeEvent, simulate } from '@demo/client-sim'
import manifest from '../package.json' with { type: 'json' }
import { COMPARE_FLAGS, runCompare } from './compare-command.ts'
import { resolveFlagConflicts } from './flag-rules.ts'
import { EXIT_STATUSES, OUTPUT_FLAGS, RUN_FLAGS, SIMULATE_FLAGS } from './flags.ts'
import { interruptSignal } from './interruption.ts'
import { runLoad } from './run-command.ts'
import { runSearch, SEARCH_FLAGS } from './search-command.ts'

const VARIABLES = 'DEMO_LOADGEN'

/** Read before the other flags. */
const CONFIG_FLAGS = {
  config: optionalFlag('--config <file>', 'YAML file with any of these flags, like connections: 50', parseText),
} satisfies Flags

const ALL_RUN_FLAGS = { ...RUN_FLAGS, ...OUTPUT_FLAGS } satisfies Flags

await runProgram('demo-loadgen', async () => {
  let status: number = ExitStatus.ok
  const program = new Command('demo-loadgen')
    .description('Makes load for a server of framed requests, and measures it.')
    .version(manifest.version)
    .addHelpText('after', EXIT_STATUSES)

  const runCommand: Command = program
    .command('run', { isDefault: true })
    .description('make load: keep the window of each connection full, or send at a rate')
    .allowExcessArguments()
    .action(async () => {
      const [word] = runCommand.args
      if (word !== undefined)
        throw usageError(
          `unexpected argument '${word}': the commands are run, compare, search, simulate and completion; see --help`,
        )
      status = await runLoad(read(runCommand, ALL_RUN_FLAGS))
    })
  add(runCommand, ALL_RUN_FLAGS)

  const compareCommand = program
    .command('compare')
    .description('compare the results of two builds: compare before.json after.json')
    .argument('[files...]', 'two results of run --json')
    .action(async (files: string[]) => {
      status = await runCompare(files, read(compareCommand, COMPARE_FLAGS))
    })
  add(compareCommand, COMPARE_FLAGS)

  const searchCommand = program
    .command('search')
    .description("find the highest rate that meets a condition: search --slo 'p99<10ms'")
    .allowExcessArguments(false)
    .action(async () => {
      status = await runSearch(read(searchCommand, SEARCH_FLAGS))
    })
  add(searchCommand, SEARCH_FLAGS)

  const simulateCommand = program
    .command('simulate')
    .description('run a few clients that send a few requests each, and print a line for each event')
    .action(async () => {
      status = await runSimulation(read(simulateCommand, SIMULATE_FLAGS))
    })
  add(simulateCommand, SIMULATE_FLAGS)
  addCompletion(program, runCommand)

  await parseCommandLine(program, process.argv)
  return status
})

function add(command: Command, flags: Flags): void {
  addFlags(command, VARIABLES, { ...flags, ...CONFIG_FLAGS })
}

/** The values of a command's flags: from the command line, environment variables, or the file of `--config`. */
function read<All extends Flags>(command: Command, flags: All): Values<All> {
  const file = command.opts<Values<typeof CONFIG_FLAGS>>().config
  if (file !== undefined) addConfigFile(command, file, flags)
  resolveFlagConflicts(command)
  const { config: _, ...values } = command.opts()
  return values as Values<All>
}

async function runSimulation(options: Values<typeof SIMULATE_FLAGS>): Promise<number> {
  const { failed, errors } = await simulate({ ...options, signal: interruptSignal() }, (event) => {
    process.stdout.write(`${describeEvent(event)}\n`)
  })
  return failed === 0 && errors === 0 ? ExitStatus.ok : ExitStatus.failed
}
