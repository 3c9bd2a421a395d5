import type { WorkerOutcome } from '../engine/load-worker.ts'
import { type LoggedOutage, MAX_OUTAGES } from '../engine/outage-log.ts'
import type { Outage } from './result.ts'

/** Merges the outages of several workers: those that overlap are one. */
export function mergeOutages(outcomes: readonly Pick<WorkerOutcome, 'outages' | 'outageTotal'>[]): {
  readonly outages: readonly Outage[]
  readonly seconds: number
} {
  const merged: LoggedOutage[] = []
  const sorted = outcomes.flatMap(({ outages }) => outages).sort((a, b) => a.from - b.from)
  for (const outage of sorted) {
    const last = merged.at(-1)
    if (last === undefined || outage.from > last.to) merged.push(outage)
    else {
      merged[merged.length - 1] = {
        from: last.from,
        to: Math.max(last.to, outage.to),
        connections: last.connections + outage.connections,
      }
    }
  }
  const together = merged.reduce((sum, { from, to }) => sum + to - from, 0)
  // Of outages that a worker did not keep, only their total length is known.
  const longest = Math.max(0, ...outcomes.map(({ outageTotal }) => outageTotal))
  return {
    outages: merged.slice(0, MAX_OUTAGES).map(({ from, to, connections }) => ({
      atSeconds: seconds(from),
      seconds: seconds(to - from),
      connections,
    })),
    seconds: seconds(Math.max(together, longest)),
  }
}

const seconds = (milliseconds: number) => Number((milliseconds / 1000).toFixed(3))
