import type { Distribution, Summary } from '../engine/distribution.ts'
import type { TimeSlice } from '../engine/timeline.ts'

/** A time in which at least one connection was lost and not open again. */
export interface Outage {
  /** When it began, in seconds since the counting began. */
  readonly atSeconds: number
  /** How long it lasted: until all connections were open again, or until the sending ended. */
  readonly seconds: number
  /** The most connections that were lost at the same time. */
  readonly connections: number
}

/** The results of the connections to one of several targets. */
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
  /** Lost connections. */
  readonly errors: number
  /** Answers a second while requests were sent and counted. */
  readonly acksPerSecond: number
  /** Response time. It does not include requests that were never sent: they belong to no target. */
  readonly latencyMs: Summary
}

/** The generator itself, while it counted. */
export interface GeneratorResult {
  /** Processor time of all its threads: 100 is one core. */
  readonly cpuPercent: number
  readonly workers: number
  /** The share of time in which the event loop of each worker was busy. */
  readonly busyPercent: readonly number[]
  /** How late the timers of its event loops fired. */
  readonly eventLoopDelayMs: Summary
}

/** Percentiles by their number: `95`, `99.99`. In milliseconds; null if nothing was answered. */
type ByPercentile = Readonly<Record<string, number | null>>

/** Percentiles beyond those that every result has. */
export interface PercentilesMs {
  readonly latencyMs: ByPercentile
  readonly serviceTimeMs: ByPercentile
  readonly scheduleLagMs: ByPercentile | null
}

/** The result of a run. Requests of the warm-up do not count. */
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
   * Of these, on a connection that was open at the end, after waiting for `--timeout` or longer. Without a timeout, since
   * before the sending ended.
   */
  readonly overdue: number
  /** Requests that were due and never sent. Only in the open model. */
  readonly unsent: number
  /** Of these, requests that the generator was too late to send. The server did not take the others. */
  readonly notReached: number
  /**
   * Requests in `latencyMs` that were never answered: `unanswered` and `unsent`. Each counts as long as it had waited when
   * the run ended, or as `--timeout`, whichever is longer. `serviceTimeMs` has only those of `unanswered`.
   */
  readonly neverAnswered: number
  /** Answers that match no request, including the warm-up. */
  readonly mismatched: number
  /** Second answers to a request, including the warm-up. */
  readonly duplicates: number
  /** Requests that had no answer within `--timeout`: `late` and `overdue` together. */
  readonly timedOut: number
  /** Of `acks`, answered later than `--timeout`. */
  readonly late: number
  /** Lost connections. */
  readonly errors: number
  /** Why they were lost, each message once. */
  readonly errorMessages: readonly string[]
  /** Renewed connections, without those that were still being opened when the run ended. */
  readonly reconnects: number
  /** Times in which connections were lost and not open again. The first 1000, oldest first. */
  readonly outages: readonly Outage[]
  /** The length of all outages together, including those beyond the first 1000. */
  readonly outageSeconds: number
  /** Whether it ended early. If nothing had been counted, `requests` is 0. */
  readonly interrupted: boolean
  /** Why, in one line: `SIGINT`, `--abort-on-fail: p99<5ms is crossed`; null if it was not interrupted. */
  readonly interruptedBecause: string | null
  /** How long requests were sent and counted. */
  readonly durationSeconds: number
  /** Answers a second in that time. */
  readonly acksPerSecond: number
  /** Response time: from when a request was due (open model) or sent (closed model). */
  readonly latencyMs: Summary
  /** Service time: from when a request was sent. In the closed model it is the same. */
  readonly serviceTimeMs: Summary
  /** Requests a second that were due; null in the closed model. */
  readonly offeredRate: number | null
  /** Requests a second that were sent. */
  readonly sentRate: number
  /** How late the generator looked at due requests, whether there was room or not; null in the closed model. */
  readonly scheduleLagMs: Summary | null
  /** Those of `--percentiles` and of thresholds, if there are any. */
  readonly percentilesMs?: PercentilesMs
  /** Requests that were due and waited, because the window of their connection or its socket was full. */
  readonly waited: number
  /** The generator could not send the requested load: the figures are about the generator, not about the server. */
  readonly saturated: boolean
  /** Why, in one line; null if it was not saturated. */
  readonly saturatedBecause: string | null
  readonly generator: GeneratorResult
  /** Each of several targets; empty if there is only one. */
  readonly targets: readonly TargetResult[]
  readonly slices: readonly TimeSlice[]
}

/** All figures of a run, without those over time. */
export type RunFigures = Omit<RunResult, 'slices'>

/** The result with its distributions. */
export interface Measured {
  readonly result: RunResult
  readonly latencies: Distribution
  readonly serviceTimes: Distribution
  /** Undefined in the closed model. */
  readonly lags: Distribution | undefined
}
