import { fileURLToPath } from 'node:url'
import { type Program, type ProgramOptions, startNode } from '@demo/testkit/program'

/** The program as it is built. */
export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** `demo-loadgen` as it is built, with arguments as an engineer would type them. */
export function startLoadgen(args: readonly (string | number)[], options?: ProgramOptions): Program {
  return startNode(MAIN, args.map(String), options)
}

/** A distribution in the JSON. */
type TimesJson = Readonly<Record<'min' | 'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>

/** The JSON of a run, as far as the tests look at it. */
export interface RunJson {
  readonly schemaVersion: number
  readonly requests: number
  readonly acks: number
  readonly failedAcks: number
  readonly unanswered: number
  readonly lost: number
  readonly overdue: number
  readonly unsent: number
  readonly notReached: number
  readonly neverAnswered: number
  readonly mismatched: number
  readonly duplicates: number
  readonly timedOut: number
  readonly late: number
  readonly errors: number
  readonly errorMessages: readonly string[]
  readonly outages: readonly Readonly<Record<'atSeconds' | 'seconds' | 'connections', number>>[]
  readonly outageSeconds: number
  readonly interrupted: boolean
  readonly interruptedBecause: string | null
  readonly durationSeconds: number
  readonly acksPerSecond: number
  readonly reconnects: number
  readonly latencyMs: TimesJson
  readonly serviceTimeMs: TimesJson
  readonly offeredRate: number | null
  readonly sentRate: number
  readonly scheduleLagMs: TimesJson | null
  readonly waited: number
  readonly saturated: boolean
  readonly saturatedBecause: string | null
  readonly generator: { readonly workers: number; readonly cpuPercent: number; readonly busyPercent: readonly number[] }
  /** Only with --repeat. */
  readonly repeats?: readonly (Readonly<Record<'acks' | 'failedAcks' | 'acksPerSecond', number>> & {
    readonly percentilesMs?: object
  })[]
  readonly thresholds: readonly { readonly actual: number | null; readonly passed: boolean }[]
  readonly percentilesMs?: { readonly latencyMs: Readonly<Record<string, number>> }
  readonly targets: readonly {
    readonly target: string
    readonly connections: number
    readonly requests: number
    readonly acks: number
    readonly unanswered: number
    readonly errors: number
    readonly acksPerSecond: number
    readonly latencyMs: TimesJson
  }[]
  readonly slices: readonly Readonly<
    Record<
      'atSeconds' | 'seconds' | 'acks' | 'p50' | 'inFlight' | 'unsent' | 'connectionsLost' | 'connectionsDown',
      number
    > & {
      readonly due: number | null
    }
  >[]
  readonly options: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, unknown>>
}

/** What came of `run` with `--json -`. */
export interface Outcome {
  readonly status: number | null
  readonly json: RunJson
  readonly stderr: string
}

/** Runs load without a warm-up to its end. @param port of the server; undefined where the flags say where it is */
export async function runLoad(port: number | undefined, args: readonly (string | number)[]): Promise<Outcome> {
  const program = startLoadgen([
    'run',
    ...(port === undefined ? [] : ['--port', port]),
    ...['--warmup', 0, '--json', '-', ...args],
  ])
  const { status } = await program.exit()
  return { status, json: readJson(program), stderr: program.stderr }
}

/** The JSON on standard output, which has nothing else on it. */
export function readJson(program: Program): RunJson {
  try {
    return JSON.parse(program.stdout) as RunJson
  } catch {
    throw new Error(`no JSON on standard output: ${program.stdout}\n${program.stderr}`)
  }
}
