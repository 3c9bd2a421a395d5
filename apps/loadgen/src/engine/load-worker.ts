import type { ClientTls, ServerLocation } from '@demo/client-sim'
import type { PackedDistribution } from './distribution.ts'
import type { LoggedOutage } from './outage-log.ts'
import type { PacerOptions } from './pacer.ts'

/** What load one worker makes: its share of the whole. It goes from thread to thread as it is. Times in milliseconds. */
export interface WorkerPlan {
  /** Which worker it is, from 0, and how many there are. */
  readonly worker: number
  readonly workers: number
  /** Where each of its connections goes. */
  readonly locations: readonly ServerLocation[]
  readonly dialect: 'specification' | 'go-demo'
  readonly tls: ClientTls | undefined
  readonly credentials: Uint8Array | undefined
  /** Requests sent and not answered on each connection, at most. */
  readonly window: number
  /** One payload is that of all requests; more are sent in turn. */
  readonly payloads: readonly Uint8Array[]
  /** From one connection's opening to the next one's; 0 is many at once. */
  readonly connectInterval: number
  /** When its first connection is opened. */
  readonly connectAfter: number
  readonly timeout: number
  /** After so many requests a connection is ended and made anew; 0 is never. */
  readonly reconnectEvery: number
  /** Lost connections stay lost. */
  readonly noReconnect: boolean
  /** The names of several targets, which connections go to in turn; empty where there is only one. */
  readonly targets: readonly string[]
  /** The open model's; undefined is the closed model. */
  readonly schedule: PacerOptions | undefined
}

/** How long a worker sends and counts. */
export interface Limit {
  /** How many requests; without it, as many as there are. */
  readonly amount: number | undefined
  /** For how long, in milliseconds; 0 until told to stop. Not looked at when there is an amount. */
  readonly duration: number
}

/** What came of a worker. */
export interface WorkerOutcome {
  readonly offered: number
  readonly requests: number
  /** Requests sent while it counted: of an amount those that count, else whenever they were due. */
  readonly sentInTime: number
  readonly acks: number
  /** Answers that came while it sent and counted: of an amount those that count, else to whatever request. */
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
  /** What connections were lost to, and how often. */
  readonly errors: readonly (readonly [message: string, count: number])[]
  readonly outages: readonly LoggedOutage[]
  /** How long all outages were together, in milliseconds. */
  readonly outageTotal: number
  readonly targets: readonly TargetOutcome[]
  /** How long it sent and counted. */
  readonly duration: number
  /** How long requests could be due. */
  readonly scheduled: number
  /** How long they were sent. */
  readonly sending: number
  readonly responseTimes: PackedDistribution
  /** Undefined in the closed model: the same. */
  readonly serviceTimes: PackedDistribution | undefined
  readonly lags: PackedDistribution | undefined
  readonly loopDelays: PackedDistribution
  /** How much of the time its event loop did something, from 0 to 1. */
  readonly busy: number
}

/** What came of a worker's connections to one of several targets. */
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

/** What a worker tells every so often of the time since it told the last time. */
export interface ProgressSample {
  /** Which slice of the counting it was, from 0; -1 before the counting. */
  readonly slice: number
  /** When it was told, in milliseconds since the counting began. */
  readonly at: number
  /** Answers, to the requests that are counted once there are any. */
  readonly acks: number
  readonly failedAcks: number
  /** Connections lost. */
  readonly connectionsLost: number
  /** Answers that came too late. */
  readonly late: number
  /** Requests that were due; only in the open model, once there are any that count. */
  readonly due: number
  /** Requests that count, were due by now and are not sent. */
  readonly unsent: number
  /** Requests that have waited for their answer for longer than the timeout; looked at once a second. */
  readonly overdue: number
  /** Wrong answers so far. */
  readonly mismatched: number
  readonly duplicates: number
  /** Now. */
  readonly inFlight: number
  /** Connections that are open now. */
  readonly connections: number
  /** Connections that are lost now, and not made again. */
  readonly connectionsDown: number
  readonly responseTimes: PackedDistribution
}

/** How often a worker tells, in milliseconds: the shortest slice of a result. */
export const SAMPLE_INTERVAL = 100

/**
 * One worker's load, in this thread or another.
 *
 * | called   | what it does                                                                                          |
 * |----------|-------------------------------------------------------------------------------------------------------|
 * | `connect`| opens its connections                                                                                 |
 * | `begin`  | sends, and counts nothing                                                                             |
 * | `count`  | counts what it sends from now on, until its limit                                                     |
 * | `done`   | settles when all that may be sent was answered, or nothing more can be; with an amount also when it is |
 * |          | given up: then with the reason                                                                        |
 * | `stop`   | sends no more than what is due by now; also ends a `connect`                                          |
 * | `soFar`  | tells what came of it so far                                                                          |
 * | `finish` | tells what came of it, and lets all connections go                                                    |
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
