import { addFlags, Command, ExitStatus, parseCommandLine, runProgram } from '@demo/cli'
import { type MeasuringOptions, measuringFlags } from './flags.ts'

/** Runs a command that measures. @param windows the default of `--windows` */
export async function runBench(
  name: string,
  description: string,
  windows: string,
  measure: (options: MeasuringOptions) => Promise<void>,
): Promise<void> {
  await runProgram(name, async () => {
    const program = new Command(name).description(description).action(() => measure(program.opts<MeasuringOptions>()))
    addFlags(program, 'DEMO_BENCH', measuringFlags('3', windows))
    await parseCommandLine(program, process.argv)
    return ExitStatus.ok
  })
}
