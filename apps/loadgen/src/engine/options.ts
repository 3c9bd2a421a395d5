import type { ServerLocation } from '@demo/client-sim'
import type { Arrival } from './pacer.ts'
import type { Stage } from './rate-curve.ts'

/** Bytes of each payload, or from how many to how many. */
export type PayloadSize = number | { readonly min: number; readonly max: number }

/** What load to make: the flags of `run` as they were read. Times in milliseconds. */
export interface RunOptions {
  readonly host: string
  readonly port: number
  /** A Unix socket, in place of host and port. */
  readonly path?: string | undefined
  /** Several servers, in place of the one: connections go to them in turn. */
  readonly target?: readonly ServerLocation[] | undefined
  readonly dialect: 'specification' | 'go-demo'
  /** Speaks TLS; so does each of the other options of TLS. The certificates and the key are files. */
  readonly tls?: boolean | undefined
  readonly tlsCa?: string | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsServername?: string | undefined
  readonly tlsInsecure?: boolean | undefined
  /** A file with the credentials, sent in a Conn first of all. */
  readonly tokenFile?: string | undefined
  /** Connections at the same time. */
  readonly connections: number
  /** Connections opened a second; as fast as can be unless given. */
  readonly connectRate?: number | undefined
  /** After so many requests a connection is ended and made anew. */
  readonly reconnectEvery?: number | undefined
  /** Lost connections stay lost; they are made again unless given. */
  readonly noReconnect?: boolean | undefined
  /** Requests sent and not answered on each connection, at most; 1000 in the closed model, very many in the open one. */
  readonly window?: number | undefined
  /**
   * Requests a second, of all connections together: the open model; where there are stages, at their beginning. Without
   * both it is the closed model.
   */
  readonly rate: number | undefined
  /** How the rate changes; in place of a duration. */
  readonly stage?: readonly Stage[] | undefined
  readonly arrival: Arrival
  /** Worker threads. */
  readonly workers: number
  readonly payloadSize: PayloadSize
  /** `words`: each payload is a pair of words. */
  readonly payload?: 'words' | undefined
  /** A file, each line of which is a payload. */
  readonly payloadFile?: string | undefined
  /** Where payloads and random arrivals come from. */
  readonly seed: number
  /** How long requests are sent and counted, 0 until told to stop; not looked at when there is an `amount`. */
  readonly duration: number
  /** How long requests are sent before that, and not counted. */
  readonly warmup: number
  /** How many requests are sent and counted. */
  readonly amount: number | undefined
  /** How long connecting may take, and each answer; 0 is no limit. */
  readonly timeout: number
}

/** Where connections go. */
export function locationsOf({ host, port, path, target }: RunOptions): readonly ServerLocation[] {
  if (target !== undefined) return target
  return [path === undefined ? { host, port } : { path }]
}

/** A server as it is told and typed: `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/demo.sock`. */
export function describeLocation(location: ServerLocation): string {
  if ('path' in location) return `unix:${location.path}`
  const { host = '127.0.0.1', port } = location
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** How long requests are sent and counted, in milliseconds; 0 until told to stop. */
export function durationOf({ duration, stage }: RunOptions): number {
  return stage === undefined ? duration : stage.reduce((sum, one) => sum + one.duration, 0)
}

/** How long requests are sent before that, in milliseconds. Stages that begin at no rate have nothing to warm up with. */
export function warmupOf({ warmup, rate, stage }: RunOptions): number {
  return stage !== undefined && rate === undefined ? 0 : warmup
}

/** Whether a load is of the open model: requests are due. */
export function isOpen({ rate, stage }: RunOptions): boolean {
  return rate !== undefined || stage !== undefined
}

/** In the open model the window only keeps memory within bounds: so many requests, on all connections together. */
const OPEN_WINDOW = 1_000_000

/** The most that one connection can have. */
export const MAX_WINDOW = 1_000_000

const CLOSED_WINDOW = 1000

/** The window of each connection. */
export function windowOf(options: RunOptions): number {
  const { window, connections } = options
  if (window !== undefined) return window
  if (!isOpen(options)) return CLOSED_WINDOW
  return Math.min(MAX_WINDOW, Math.max(CLOSED_WINDOW, Math.floor(OPEN_WINDOW / connections)))
}
