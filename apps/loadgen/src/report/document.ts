import type { ThresholdVerdict } from '../analysis/threshold.ts'
import type { RunOptions } from '../engine/options.ts'
import type { Measured, RunFigures } from '../run/result.ts'
import type { Environment } from './environment.ts'

/** The results of `demo-loadgen run`, from which the text, the JSON and the HTML are made. */
export interface RunDocument {
  /** The run that is shown: the only one, or the median run of `--repeat`. */
  readonly shown: Measured
  /** Its index in `runs`. */
  readonly shownAt: number
  /** All runs, in the order in which they were made. */
  readonly runs: readonly RunFigures[]
  /** The percentiles to show. */
  readonly percentiles: readonly number[]
  readonly thresholds: readonly ThresholdVerdict[]
  /** When the first run began, in ISO 8601. */
  readonly startedAt: string
  readonly options: RunOptions
  readonly environment: Environment
}
