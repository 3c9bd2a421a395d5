import type { Measured, RunFigures, RunResult } from './result.ts'

/** All that is kept of a run of many: no slices, no histograms. */
export function withoutSlices({ result: { slices: _, ...run } }: Measured): RunFigures {
  return run
}

/**
 * Makes runs one after the other, until there are enough or the signal aborts. Of their distributions only that of the
 * middle run is of use, but which it is shows at the end: all are kept until then.
 *
 * @param makeRun told how many runs were made before
 */
export async function repeatRun(
  times: number,
  makeRun: (before: number) => Promise<Measured>,
  signal: AbortSignal,
): Promise<readonly Measured[]> {
  const all: Measured[] = []
  while (all.length < times && (all.length === 0 || !signal.aborted)) {
    const measured = await makeRun(all.length)
    // What was cut short is no run like the others, unless it is the only one.
    if (!signal.aborted || all.length === 0) all.push(measured)
  }
  return all
}

/**
 * Which run is in the middle: by its throughput in the closed model; by its p99 in the open one, where the throughput is
 * given. Of an even number it is the lower. A run without an answer has the longest of all times.
 */
export function medianRun(runs: readonly Measured[]): number {
  const order = runs.map(({ result }, i) => ({ i, by: rankOf(result) })).sort((a, b) => a.by - b.by)
  return order[Math.ceil(order.length / 2) - 1].i
}

function rankOf({ offeredRate, acksPerSecond, latencyMs }: RunResult): number {
  return offeredRate === null ? acksPerSecond : (latencyMs.p99 ?? Number.MAX_VALUE)
}
