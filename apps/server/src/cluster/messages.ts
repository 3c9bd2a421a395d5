import type { CloseSummary, EngineName } from '@demo/server'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Config } from '../config/flags.ts'
import type { Secrets } from '../secrets/secret-files.ts'

/** The metrics of one process, in the form of prom-client. */
export type Metrics = MetricObjectWithValues<MetricValue<string>>[]

/** The first command: the worker's number, and what it serves with. */
export interface BeginCommand {
  readonly type: 'begin'
  readonly worker: number
  readonly config: Config
  readonly secrets: Secrets
}

/** What the primary sends to a worker. A command waits in their channel until the worker reads it. */
export type Command =
  | BeginCommand
  | { readonly type: 'report-metrics'; readonly request: number }
  /** Secrets that replace old ones. */
  | { readonly type: 'secrets'; readonly secrets: Secrets }
  /** The fewest connections that another worker has; Infinity when no other worker accepts. */
  | { readonly type: 'fewest'; readonly connections: number }
  | { readonly type: 'drain' }

/** The request ID of the metrics that a worker reports unasked, before it ends. */
export const FINAL_REPORT_ID = 0

/** The interval at which a worker reports that its event loop runs, and the primary repeats `fewest`, in milliseconds. */
export const HEARTBEAT_INTERVAL = 100

/** What a worker sends to the primary. */
export type Report =
  | { readonly type: 'listening'; readonly engine: EngineName | undefined }
  /** At each heartbeat, and when the number has changed. */
  | { readonly type: 'connections'; readonly connections: number }
  | { readonly type: 'metrics'; readonly request: number; readonly metrics: Metrics; readonly connections: number }
  /** After an uncaught exception: the worker stops accepting, drains, and ends. */
  | { readonly type: 'leaving' }
  | { readonly type: 'drained'; readonly summary: CloseSummary }
