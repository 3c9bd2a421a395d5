import { OptionError } from '@demo/cli'
import type { Limit, WorkerPlan } from './load-worker.ts'
import { describeLocation, durationOf, isOpen, locationsOf, MAX_WINDOW, type RunOptions, windowOf } from './options.ts'
import { createPayloads } from './payloads.ts'
import { readInput } from './read-input.ts'
import { readTls } from './read-tls.ts'

/**
 * Divides a load among its workers. Reads the files that the options name.
 *
 * @throws OptionError if options do not go together or a file can't be read
 */
export async function planWorkers(options: RunOptions): Promise<readonly WorkerPlan[]> {
  const {
    connections,
    connectRate,
    workers,
    rate,
    arrival,
    seed,
    dialect,
    engine,
    timeout,
    reconnectEvery = 0,
    noReconnect,
    stage,
  } = options
  if (workers > connections) {
    throw new OptionError(`${workers} workers can't share ${connections} connections: each needs at least one`)
  }
  const window = windowOf(options)
  if (window > MAX_WINDOW)
    throw new OptionError(`invalid --window '${window}': expected a number from 1 to ${MAX_WINDOW}`)
  const locations = locationsOf(options)
  const [first] = locations
  if (first === undefined) throw new OptionError('expected at least one --target')
  const [tls, credentials, payloads] = await Promise.all([
    readTls(options),
    readCredentials(options),
    createPayloads(options),
  ])
  const connectInterval = connectRate === undefined ? 0 : 1000 / connectRate
  return Array.from({ length: workers }, (_, worker) => ({
    ...{ worker, workers },
    locations: Array.from({ length: portionOf(connections, worker, workers) }, (_, i) => {
      return locations[(i * workers + worker) % locations.length] ?? first
    }),
    ...{ dialect, engine, tls, credentials, window, payloads, timeout, reconnectEvery },
    noReconnect: noReconnect === true,
    targets: locations.length > 1 ? locations.map(describeLocation) : [],
    connectInterval: connectInterval * workers,
    connectAfter: connectInterval * worker,
    schedule: isOpen(options) ? { rate: rate ?? 0, stages: stage, arrival, seed, worker, workers } : undefined,
  }))
}

/** The limit of each worker. */
export function limitOf(options: RunOptions, worker: number): Limit {
  const { amount, workers } = options
  return {
    duration: durationOf(options),
    amount: amount === undefined ? undefined : portionOf(amount, worker, workers),
  }
}

/** Divides evenly; the first workers get the remainder. */
function portionOf(total: number, worker: number, workers: number): number {
  return Math.floor(total / workers) + (worker < total % workers ? 1 : 0)
}

/** The bytes of the file, without the line end that editors append. */
async function readCredentials({ tokenFile }: RunOptions): Promise<Uint8Array | undefined> {
  if (tokenFile === undefined) return undefined
  const text = (await readInput('--token-file', tokenFile)).toString().replace(/\r?\n$/, '')
  if (text === '') throw new OptionError(`the token file ${tokenFile} is empty`)
  return new TextEncoder().encode(text)
}
