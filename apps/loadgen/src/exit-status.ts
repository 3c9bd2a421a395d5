import { ExitStatus } from '@demo/cli'
import type { ThresholdVerdict } from './analysis/threshold.ts'
import type { RunFigures } from './run/result.ts'
import { hasFailed } from './run/verdict.ts'

/** The exit statuses of all programs, and those of the load generator. */
export const LoadgenStatus = { ...ExitStatus, saturated: 3, crossed: 99 } as const

/**
 * The exit status of a run, or of several. A failure of the server beats a saturated generator, which beats a crossed
 * threshold: after the first two the figures say little about the server.
 *
 * @param aborted whether a threshold ended the run early
 */
export function statusOf(
  runs: readonly RunFigures[],
  thresholds: readonly ThresholdVerdict[],
  aborted: boolean,
): number {
  if (runs.some(hasFailed)) return LoadgenStatus.failed
  if (runs.some(({ saturated }) => saturated)) return LoadgenStatus.saturated
  return aborted || thresholds.some(({ passed }) => !passed) ? LoadgenStatus.crossed : LoadgenStatus.ok
}
