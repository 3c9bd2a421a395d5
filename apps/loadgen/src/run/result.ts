import type { Distribution, Summary } from '../engine/distribution.ts'
import type { TimeSlice } from '../engine/timeline.ts'

/** A time in which at least one connection was lost and not made again. */
export interface Outage {
  /** When it began, in seconds since the counting began. */
  readonly atSeconds: number
  /** How long it was, until all connections were there again; or until the sending ended. */
  readonly seconds: number
  /** The most connections that were lost at the same time. */
  readonly connections: number
}

/** What came of the connections to one of several targets. */
export interface TargetResult {
  /** As it is typed: `127.0.0.1:8888`, `unix:/run/demo.sock`. */
  readonly target: string
  readonly connections: number
  readonly requests: number
  readonly acks: number
  readonly failedAcks: number
  readonly unanswered: number
  readonly mismatched: number
  readonly duplicates: number
  readonly timedOut: number
  /** Connections that were lost, or could not be made again. */
  readonly errors: number
  /** Answers that came while requests were sent and counted, a second. */
  readonly acksPerSecond: number
  /** Response time. Requests that were never sent belong to no target. */
  readonly latencyMs: Summary
}

/** How the generator itself did while it counted. */
export interface GeneratorResult {
  /** Processor time of all its threads: 100 is one core. */
  readonly cpuPercent: number
  readonly workers: number
  /** How much of the time the event loop of each worker did something. */
  readonly busyPercent: readonly number[]
  /** How late the timers of its event loops were. */
  readonly eventLoopDelayMs: Summary
}

/** Percentiles by their number: `95`, `99.99`. In milliseconds; null when nothing was answered. */
type ByPercentile = Readonly<Record<string, number | null>>

/** Percentiles that not every result has: those that were asked for. */
export interface PercentilesMs {
  readonly latencyMs: ByPercentile
  readonly serviceTimeMs: ByPercentile
  readonly scheduleLagMs: ByPercentile | null
}

/** What came of a run. Requests of the warm-up are not counted. */
export interface RunResult {
  /** Requests sent. */
  readonly requests: number
  /** Of these, answered, whatever the result. */
  readonly acks: number
  /** Of these, answered with a result other than 0. */
  readonly failedAcks: number
  /** Requests sent and never answered. */
  readonly unanswered: number
  /** Of these, lost with their connection. */
  readonly lost: number
  /**
   * Of these, not lost: their connection was there at the end, and they had waited for `--timeout` or longer; where there
   * is none, since before the sending ended.
   */
  readonly overdue: number
  /** Requests that were due and never sent. Only in the open model. */
  readonly unsent: number
  /** Of these, what the generator itself did not get to; the server did not take the others. */
  readonly notReached: number
  /**
   * Requests in `latencyMs` that were never answered: those of `unanswered` and `unsent`. Each counts as long as it had
   * waited when the run ended, or as `--timeout`, whichever is longer. In `serviceTimeMs` only those of `unanswered`.
   */
  readonly neverAnswered: number
  /** Answers to no request that ever waited, those of the warm-up included. */
  readonly mismatched: number
  /** Second answers to a request that was answered already, those of the warm-up included. */
  readonly duplicates: number
  /** Requests that had no answer within `--timeout`: `late` and `overdue` together. */
  readonly timedOut: number
  /** Of `acks`, answered later than `--timeout`. */
  readonly late: number
  /** Connections that were lost, or could not be made again. */
  readonly errors: number
  /** What they were lost to, each message once. */
  readonly errorMessages: readonly string[]
  /** Connections that were ended by us and made anew; not one that was still being made when the run ended. */
  readonly reconnects: number
  /** Times in which connections were lost and not made again, oldest first; the first 1000 of them. */
  readonly outages: readonly Outage[]
  /** How long all of them were together, those beyond the first 1000 too. */
  readonly outageSeconds: number
  /** Whether it was ended early; before anything was counted, `requests` is 0. */
  readonly interrupted: boolean
  /** Why, in one line: `SIGINT`, `--abort-on-fail: p99<5ms is crossed`; null when not interrupted. */
  readonly interruptedBecause: string | null
  /** How long requests were sent and counted. */
  readonly durationSeconds: number
  /** Answers that came in that time, a second. */
  readonly acksPerSecond: number
  /** Response time: from when a request was due (open model) or was sent (closed model). */
  readonly latencyMs: Summary
  /** Service time: from when it was really sent. In the closed model the same. */
  readonly serviceTimeMs: Summary
  /** Requests a second that were due; null in the closed model. */
  readonly offeredRate: number | null
  /** Requests a second that were sent. */
  readonly sentRate: number
  /** How much later than due the generator came to send requests, whether there was room or not; null in the closed model. */
  readonly scheduleLagMs: Summary | null
  /** Those of `--percentiles`, and of thresholds; not there when none were asked for. */
  readonly percentilesMs?: PercentilesMs
  /** Requests that were due and had to wait for room: their connection's window was full, or its socket. */
  readonly waited: number
  /** The generator could not offer the load it was asked for: its figures tell about itself, not about the server. */
  readonly saturated: boolean
  /** Why, in one line; null when not saturated. */
  readonly saturatedBecause: string | null
  readonly generator: GeneratorResult
  /** Each of several targets; empty when there is only one. */
  readonly targets: readonly TargetResult[]
  readonly slices: readonly TimeSlice[]
}

/** All figures of a run, without those over time. */
export type RunFigures = Omit<RunResult, 'slices'>

/** The result with the distributions behind it. */
export interface Measured {
  readonly result: RunResult
  readonly latencies: Distribution
  readonly serviceTimes: Distribution
  /** Undefined in the closed model. */
  readonly lags: Distribution | undefined
}
