import type { CloseSummary, ServerAddress } from '@demo/server'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Secrets } from '../secrets.ts'

/** The metrics of one process, as prom-client hands them over. */
export type Metrics = MetricObjectWithValues<MetricValue<string>>[]

/** What the primary tells a worker. */
export type ToWorker =
  | { readonly type: 'tell'; readonly request: number }
  /** First all of them, once it has asked; then what is renewed. */
  | { readonly type: 'secrets'; readonly secrets: Secrets }
  | { readonly type: 'drain' }

/** The number of the request that nobody made: what a worker tells before it goes. */
export const LAST_WORDS = 0

/** What a worker tells the primary. */
export type ToPrimary =
  /** It hears what it is told from now on, and waits for the secrets. */
  | { readonly type: 'started' }
  | { readonly type: 'listening'; readonly address: ServerAddress }
  /** Unasked, from time to time. */
  | { readonly type: 'connections'; readonly connections: number }
  | { readonly type: 'metrics'; readonly request: number; readonly metrics: Metrics; readonly connections: number }
  | { readonly type: 'drained'; readonly summary: CloseSummary }
