import type { ClientTls, EngineName, ServerLocation } from '@demo/client-sim'
import type { PackedDistribution } from './distribution.ts'
import type { LoggedOutage } from './outage-log.ts'
import type { PacerOptions } from './pacer.ts'

/** One worker's share of the load. It can be sent to another thread. Times in milliseconds. */
export interface WorkerPlan {
  /** Which worker it is, from 0, and how many there are. */
  readonly worker: number
  readonly workers: number
  /** The server of each of its connections. */
  readonly locations: readonly ServerLocation[]
  readonly dialect: 'specification' | 'go-demo'
  readonly engine: EngineName
  readonly tls: ClientTls | undefined
  readonly credentials: Uint8Array | undefined
  /** The most requests in flight on each connection. */
  readonly window: number
  /** Sent in turn, if there are several. */
  readonly payloads: readonly Uint8Array[]
  /** Time between opening two connections; 0 opens many at once. */
  readonly connectInterval: number
  /** Time before opening the first connection. */
  readonly connectAfter: number
  readonly timeout: number
  /** Each connection is renewed after this number of requests; 0 is never. */
  readonly reconnectEvery: number
  /** Lost connections are not opened again. */
  readonly noReconnect: boolean
  /** The names of several targets; empty if there is only one. */
  readonly targets: readonly string[]
  /** Undefined in the closed model. */
  readonly schedule: PacerOptions | undefined
}

/** How long a worker sends and counts, or how many requests. */
export interface Limit {
  /** How many requests; undefined is no limit. */
  readonly amount: number | undefined
  /** In milliseconds; 0 is no limit. Ignored if there is an amount. */
  readonly duration: number
}

/** The results of one worker. */
export interface WorkerOutcome {
  readonly offered: number
  readonly requests: number
  /** Requests sent while it counted: with an amount those that count, otherwise all. */
  readonly sentInTime: number
  readonly acks: number
  /** Answers that came while it sent and counted: with an amount those that count, otherwise all. */
  readonly arrivedInTime: number
  readonly failedAcks: number
  readonly late: number
  readonly lost: number
  readonly overdue: number
  readonly unsent: number
  readonly notReached: number
  readonly neverAnswered: number
  readonly waited: number
  readonly mismatched: number
  readonly duplicates: number
  readonly reconnects: number
  /** Errors of lost connections, and how often each occurred. */
  readonly errors: readonly (readonly [message: string, count: number])[]
  readonly outages: readonly LoggedOutage[]
  /** The length of all outages together, in milliseconds. */
  readonly outageTotal: number
  readonly targets: readonly TargetOutcome[]
  /** How long it sent and counted. */
  readonly duration: number
  /** How long the schedule was. */
  readonly scheduled: number
  /** How long requests were sent. */
  readonly sending: number
  readonly responseTimes: PackedDistribution
  /** Undefined in the closed model: the same as response times. */
  readonly serviceTimes: PackedDistribution | undefined
  readonly lags: PackedDistribution | undefined
  readonly loopDelays: PackedDistribution
  /** The share of time in which its event loop was busy, from 0 to 1. */
  readonly busy: number
}

/** The results of a worker's connections to one of several targets. */
export interface TargetOutcome {
  readonly target: string
  readonly connections: number
  readonly acks: number
  readonly failedAcks: number
  readonly late: number
  readonly overdue: number
  readonly unanswered: number
  readonly mismatched: number
  readonly duplicates: number
  readonly errors: number
  /** Answers that came while requests were sent and counted. */
  readonly arrivedInTime: number
  readonly responseTimes: PackedDistribution
}

/** What a worker reports ten times a second about the time since its last report. */
export interface ProgressSample {
  /** The number of the time slice, from 0; -1 before the counting. */
  readonly slice: number
  /** When it was taken, in milliseconds since the counting began. */
  readonly at: number
  /** Answers. During the counting, only those to requests that count. */
  readonly acks: number
  readonly failedAcks: number
  /** Connections lost. */
  readonly connectionsLost: number
  /** Answers that came later than the timeout. */
  readonly late: number
  /** Requests that were due. Only in the open model, and during the counting. */
  readonly due: number
  /** Requests that count, are due and not sent. */
  readonly unsent: number
  /** Requests that wait for their answer for longer than the timeout. Updated once a second. */
  readonly overdue: number
  /** So far. */
  readonly mismatched: number
  readonly duplicates: number
  /** At the time of the sample. */
  readonly inFlight: number
  /** Open connections. */
  readonly connections: number
  /** Connections that are lost and not open again. */
  readonly connectionsDown: number
  readonly responseTimes: PackedDistribution
}

/** The time between two samples, in milliseconds. It is also the shortest slice of a result. */
export const SAMPLE_INTERVAL = 100

/**
 * One worker's load, in this thread or another.
 *
 * | called   | what it does                                                                                          |
 * |----------|-------------------------------------------------------------------------------------------------------|
 * | `connect`| opens its connections                                                                                 |
 * | `begin`  | starts sending, and counts nothing                                                                    |
 * | `count`  | starts counting, until the limit                                                                      |
 * | `done`   | settles when all requests are answered or nothing more can be answered. With an amount it also        |
 * |          | settles when the amount is given up, with the reason                                                  |
 * | `stop`   | stops sending, except what is due by now; also ends a `connect`                                       |
 * | `soFar`  | returns the results so far                                                                            |
 * | `finish` | returns the results and closes all connections                                                        |
 */
export interface LoadWorker {
  connect(): Promise<void>
  begin(): Promise<void>
  count(limit: Limit): Promise<void>
  done(): Promise<string | undefined>
  stop(): Promise<void>
  soFar(): Promise<WorkerOutcome>
  finish(): Promise<WorkerOutcome>
}
