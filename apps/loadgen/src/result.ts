import type { Histogram } from 'hdr-histogram-js'

/** What is told of a distribution, in milliseconds. All 0 when nothing was recorded. */
export interface Summary {
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** One slice of the run's time, for charts. There are at most 300; where a run is longer, slices are. */
export interface Slice {
  /** When it began, in seconds since the counting began. */
  readonly atSeconds: number
  /** How long it was. */
  readonly seconds: number
  readonly acks: number
  readonly failedAcks: number
  /** Connections lost and requests timed out in it. */
  readonly errors: number
  /** At its end. */
  readonly inFlight: number
  /** Response time, in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
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
  /** Requests that were due and never sent: nobody took them. Only in the open model. */
  readonly unsent: number
  /** Answers to no request that ever waited, those of the warm-up included. */
  readonly mismatched: number
  /** Second answers to a request that was answered already, those of the warm-up included. */
  readonly duplicates: number
  /** Requests that had no answer within `--timeout`: the late ones are among `acks`, the others among `unanswered`. */
  readonly timedOut: number
  /** Connections that were lost, or could not be made anew. */
  readonly errors: number
  /** What they were lost to, each message once. */
  readonly errorMessages: readonly string[]
  /** Connections that were ended by us and made anew; not one that was still being made when the run ended. */
  readonly reconnects: number
  /** Whether it was ended early, before any of its load was counted: in the ramp of its connections or in the warm-up. */
  readonly interrupted: boolean
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
  /** Requests that were due and had to wait for room: their connection's window was full, or its socket. */
  readonly waited: number
  /** The generator could not offer the load it was asked for: its figures tell about itself, not about the server. */
  readonly saturated: boolean
  /** Why, in one line; null when not saturated. */
  readonly saturatedBecause: string | null
  readonly generator: GeneratorResult
  readonly slices: readonly Slice[]
}

/** The result with the distributions behind it, before they become figures. In nanoseconds. */
export interface Measured {
  readonly result: RunResult
  readonly latencies: Histogram
  readonly serviceTimes: Histogram
}
