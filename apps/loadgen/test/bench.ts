import { fileURLToPath } from 'node:url'
import { Program, type ProgramOptions } from '@demo/testkit/program'

/** How long a command that measures may take in a test, in milliseconds: what it builds may not be in any cache. */
export const PATIENCE_FOR_BENCH = 120_000

/** What came of a command. */
export interface BenchOutcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `pnpm bench:peers` or `pnpm bench:steps`, without what pnpm does before, to its end. */
export async function runBench(
  name: 'peers' | 'steps',
  args: readonly string[],
  options?: ProgramOptions,
): Promise<BenchOutcome> {
  const script = fileURLToPath(new URL(`../bench/${name}/main.ts`, import.meta.url))
  const program = new Program(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], options)
  const { status } = await program.exit(PATIENCE_FOR_BENCH)
  return { status, stdout: program.stdout, stderr: program.stderr }
}
