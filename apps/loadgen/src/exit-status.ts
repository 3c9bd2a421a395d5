import { ExitStatus } from '@demo/cli'
import { wasAborted } from './analysis/abort-on-fail.ts'
import type { ThresholdVerdict } from './analysis/threshold.ts'
import type { RunFigures } from './run/result.ts'
import { hasFailed } from './run/verdict.ts'

/** What the exit status says on top of what all programs say. */
export const LoadgenStatus = { ...ExitStatus, saturated: 3, crossed: 99 } as const

/**
 * The exit status of a run, or of several. What went wrong with the server beats a generator that could not keep up, which
 * beats a threshold that was crossed: the figures of the former two tell little about the server.
 */
export function statusOf(runs: readonly RunFigures[], thresholds: readonly ThresholdVerdict[]): number {
  if (runs.some(hasFailed)) return LoadgenStatus.failed
  if (runs.some(({ saturated }) => saturated)) return LoadgenStatus.saturated
  const crossed = runs.some(wasAborted) || thresholds.some(({ passed }) => !passed)
  return crossed ? LoadgenStatus.crossed : LoadgenStatus.ok
}
