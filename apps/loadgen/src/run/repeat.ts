import type { Measured, RunFigures, RunResult } from './result.ts'

/** The figures of a run without its slices and histograms. */
export function withoutSlices({ result: { slices: _, ...run } }: Measured): RunFigures {
  return run
}

/**
 * Makes runs one after the other, until there are enough or the signal aborts. All keep their distributions, because the
 * median run is known only at the end.
 *
 * @param makeRun is called with the number of runs before
 */
export async function repeatRun(
  times: number,
  makeRun: (before: number) => Promise<Measured>,
  signal: AbortSignal,
): Promise<readonly Measured[]> {
  const all: Measured[] = []
  while (all.length < times && (all.length === 0 || !signal.aborted)) {
    const measured = await makeRun(all.length)
    // An interrupted run can't be compared with the others. It is kept only if it is the first.
    if (!signal.aborted || all.length === 0) all.push(measured)
  }
  return all
}

/**
 * The index of the median run: by throughput in the closed model, by p99 in the open one, where the throughput is given.
 * Of an even number it is the lower. A run without answers has the highest p99.
 */
export function medianRun(runs: readonly Measured[]): number {
  const order = runs.map(({ result }, i) => ({ i, by: rankOf(result) })).sort((a, b) => a.by - b.by)
  return order[Math.ceil(order.length / 2) - 1]?.i ?? 0
}

function rankOf({ offeredRate, acksPerSecond, latencyMs }: RunResult): number {
  return offeredRate === null ? acksPerSecond : (latencyMs.p99 ?? Number.MAX_VALUE)
}
