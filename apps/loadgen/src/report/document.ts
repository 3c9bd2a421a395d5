import type { ThresholdVerdict } from '../analysis/threshold.ts'
import type { RunOptions } from '../engine/options.ts'
import type { Measured, RunFigures } from '../run/result.ts'
import type { Environment } from './environment.ts'

/** All that came of `demo-loadgen run`: what the table, the JSON and the report are made of. */
export interface RunDocument {
  /** The run that is shown: the only one, or the middle one of those of `--repeat`. */
  readonly shown: Measured
  /** Which of `runs` it is. */
  readonly shownAt: number
  /** All runs, in the order in which they were made. */
  readonly runs: readonly RunFigures[]
  /** What is shown of the distributions. */
  readonly percentiles: readonly number[]
  readonly thresholds: readonly ThresholdVerdict[]
  /** When the first run began, as in ISO 8601. */
  readonly startedAt: string
  readonly options: RunOptions
  readonly environment: Environment
}
