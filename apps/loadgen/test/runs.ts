import type { Summary } from '../src/engine/distribution.ts'
import type { RunFigures } from '../src/run/result.ts'

/** A distribution in which every percentile is the same. */
export function flat(milliseconds: number): Summary {
  const at = milliseconds
  return { min: at, mean: at, p50: at, p90: at, p99: at, p999: at, max: at }
}

/** A run in which nothing went wrong, but for what the test says. */
export function makeRun(changes: Partial<RunFigures> = {}): RunFigures {
  return {
    requests: 1000,
    acks: 1000,
    failedAcks: 0,
    unanswered: 0,
    lost: 0,
    overdue: 0,
    unsent: 0,
    notReached: 0,
    neverAnswered: 0,
    mismatched: 0,
    duplicates: 0,
    timedOut: 0,
    late: 0,
    errors: 0,
    errorMessages: [],
    reconnects: 0,
    outages: [],
    outageSeconds: 0,
    interrupted: false,
    interruptedBecause: null,
    durationSeconds: 1,
    acksPerSecond: 1000,
    latencyMs: flat(2),
    serviceTimeMs: flat(1),
    offeredRate: null,
    sentRate: 1000,
    scheduleLagMs: null,
    waited: 0,
    saturated: false,
    saturatedBecause: null,
    generator: { cpuPercent: 50, workers: 1, busyPercent: [50], eventLoopDelayMs: flat(0) },
    targets: [],
    ...changes,
  }
}
