import type { CloseSummary } from '@demo/server'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Config } from '../flags.ts'
import type { Secrets } from '../secrets.ts'

/** The metrics of one process, as prom-client hands them over. */
export type Metrics = MetricObjectWithValues<MetricValue<string>>[]

/** The first thing that a worker hears: who it is, and what it serves with. */
export interface Begin {
  readonly type: 'begin'
  readonly worker: number
  readonly config: Config
  readonly secrets: Secrets
}

/** What the primary tells a worker. It waits in their channel until the worker can hear it. */
export type ToWorker =
  | Begin
  | { readonly type: 'tell'; readonly request: number }
  /** What is renewed. */
  | { readonly type: 'secrets'; readonly secrets: Secrets }
  /** The fewest connections that one of the others has; Infinity when none of them takes any. */
  | { readonly type: 'fewest'; readonly connections: number }
  | { readonly type: 'drain' }

/** The number of the request that nobody made: what a worker tells before it goes. */
export const LAST_WORDS = 0

/** How often a worker says that its event loop turns, and its primary that it listens, in milliseconds. */
export const BEAT = 100

/** What a worker tells the primary. */
export type ToPrimary =
  | { readonly type: 'listening' }
  /** At each beat, and when the number has changed. */
  | { readonly type: 'connections'; readonly connections: number }
  | { readonly type: 'metrics'; readonly request: number; readonly metrics: Metrics; readonly connections: number }
  /** It accepts no more, drains, and ends: something was thrown that nobody caught. */
  | { readonly type: 'leaving' }
  | { readonly type: 'drained'; readonly summary: CloseSummary }
