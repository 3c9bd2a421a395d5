import type { EngineName, ServerLocation } from '@demo/client-sim'
import type { Arrival } from './pacer.ts'
import type { Stage } from './rate-curve.ts'

/** Bytes of each payload, or a range. */
export type PayloadSize = number | { readonly min: number; readonly max: number }

/** The load to make: the flags of `run`. Times in milliseconds. */
export interface RunOptions {
  readonly host: string
  readonly port: number
  /** A Unix socket, instead of host and port. */
  readonly path?: string | undefined
  /** Several servers, instead of one. Connections go to them in turn. */
  readonly target?: readonly ServerLocation[] | undefined
  readonly dialect: 'specification' | 'go-demo'
  /** Uses TLS; each of the other TLS options implies it. The certificates and the key are file names. */
  readonly tls?: boolean | undefined
  readonly tlsCa?: string | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsServername?: string | undefined
  readonly tlsInsecure?: boolean | undefined
  /** A file with the credentials, sent in a Conn as the first packet. */
  readonly tokenFile?: string | undefined
  /** Number of connections. */
  readonly connections: number
  /** Connections opened a second; all at once if undefined. */
  readonly connectRate?: number | undefined
  /** Each connection is renewed after this number of requests. */
  readonly reconnectEvery?: number | undefined
  /** Lost connections are not opened again. */
  readonly noReconnect?: boolean | undefined
  /** The most requests in flight on each connection. By default 1000 in the closed model, and many in the open one. */
  readonly window?: number | undefined
  /**
   * Requests a second on all connections: the open model. With stages, the rate at their beginning. Without rate and stages
   * it is the closed model.
   */
  readonly rate: number | undefined
  /** How the rate changes, instead of a duration. */
  readonly stage?: readonly Stage[] | undefined
  readonly arrival: Arrival
  /** What moves the bytes: the one that is used. */
  readonly engine: EngineName
  /** Worker threads. */
  readonly workers: number
  readonly payloadSize: PayloadSize
  /** `words`: each payload is a pair of words. */
  readonly payload?: 'words' | undefined
  /** A file whose lines are the payloads. */
  readonly payloadFile?: string | undefined
  /** The seed of random payloads and arrivals. */
  readonly seed: number
  /** How long requests are sent and counted; 0 is no limit. Ignored if there is an `amount`. */
  readonly duration: number
  /** How long requests are sent before that, not counted. */
  readonly warmup: number
  /** Number of requests to send and count. */
  readonly amount: number | undefined
  /** Time limit for connecting and for each answer; 0 is no limit. */
  readonly timeout: number
}

/** The servers that connections go to. */
export function locationsOf({ host, port, path, target }: RunOptions): readonly ServerLocation[] {
  if (target !== undefined) return target
  return [path === undefined ? { host, port } : { path }]
}

/** A server as it is typed: `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/demo.sock`. */
export function describeLocation(location: ServerLocation): string {
  if ('path' in location) return `unix:${location.path}`
  const { host = '127.0.0.1', port } = location
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** How long requests are sent and counted, in milliseconds; 0 is no limit. */
export function durationOf({ duration, stage }: RunOptions): number {
  return stage === undefined ? duration : stage.reduce((sum, one) => sum + one.duration, 0)
}

/** How long requests are sent before that, in milliseconds; 0 if stages begin at a rate of 0. */
export function warmupOf({ warmup, rate, stage }: RunOptions): number {
  return stage !== undefined && rate === undefined ? 0 : warmup
}

/** Whether the load is of the open model. */
export function isOpen({ rate, stage }: RunOptions): boolean {
  return rate !== undefined || stage !== undefined
}

/** In the open model the window only limits memory: this is the limit for all connections together. */
const OPEN_WINDOW = 1_000_000

/** The largest window of one connection. */
export const MAX_WINDOW = 1_000_000

const CLOSED_WINDOW = 1000

/** The window of each connection. */
export function windowOf(options: RunOptions): number {
  const { window, connections } = options
  if (window !== undefined) return window
  if (!isOpen(options)) return CLOSED_WINDOW
  return Math.min(MAX_WINDOW, Math.max(CLOSED_WINDOW, Math.floor(OPEN_WINDOW / connections)))
}
