import { readFile } from 'node:fs/promises'
import { OptionError } from '@demo/cli'
import type { ClientTls } from '@demo/client-sim'
import { describeLocation, locationsOf, MAX_WINDOW, type RunOptions, windowOf } from '../options.ts'
import type { Limit, WorkerPlan } from './load-worker.ts'
import { createPayloads } from './payloads.ts'

/**
 * Divides a load among its workers. Reads the files that the options name.
 *
 * @throws OptionError when options do not go together; the system's error when a file can't be read
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
    timeout,
    reconnectEvery = 0,
    noReconnect,
  } = options
  if (workers > connections) {
    throw new OptionError(`${workers} workers can't share ${connections} connections: each needs one at least`)
  }
  const window = windowOf(options)
  if (window > MAX_WINDOW) throw new OptionError(`window is ${window}; it must be an integer from 1 to ${MAX_WINDOW}`)
  const locations = locationsOf(options)
  const [tls, credentials, payloads] = await Promise.all([
    readTls(options),
    readCredentials(options),
    createPayloads(options),
  ])
  const connectInterval = connectRate === undefined ? 0 : 1000 / connectRate
  return Array.from({ length: workers }, (_, worker) => ({
    ...{ worker, workers },
    locations: Array.from(
      { length: portionOf(connections, worker, workers) },
      (_, i) => locations[(i * workers + worker) % locations.length],
    ),
    ...{ dialect, tls, credentials, window, payloads, timeout, reconnectEvery, noReconnect: noReconnect === true },
    targets: locations.length > 1 ? locations.map(describeLocation) : [],
    connectInterval: connectInterval * workers,
    connectAfter: connectInterval * worker,
    schedule: rate === undefined ? undefined : { rate, arrival, seed, worker, workers },
  }))
}

/** What each worker may send and count. */
export function limitOf({ amount, duration, workers }: RunOptions, worker: number): Limit {
  return { duration, amount: amount === undefined ? undefined : portionOf(amount, worker, workers) }
}

/** As even as whole numbers can be; the first have one more. */
function portionOf(total: number, worker: number, workers: number): number {
  return Math.floor(total / workers) + (worker < total % workers ? 1 : 0)
}

async function readTls(options: RunOptions): Promise<ClientTls | undefined> {
  const { tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure } = options
  if (![tls, tlsCa, tlsCert, tlsKey, tlsServername, tlsInsecure].some(Boolean)) return undefined
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new OptionError('--tls-cert and --tls-key belong together: one of them is missing')
  }
  const [ca, cert, key] = await Promise.all([tlsCa, tlsCert, tlsKey].map(readPem))
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tlsServername === undefined ? {} : { servername: tlsServername }),
    ...(tlsInsecure === true ? { rejectUnauthorized: false } : {}),
  }
}

const readPem = async (file: string | undefined) => (file === undefined ? undefined : readFile(file, 'utf8'))

/** The file's bytes, without the line end that editors put at the end. */
async function readCredentials({ tokenFile }: RunOptions): Promise<Uint8Array | undefined> {
  if (tokenFile === undefined) return undefined
  const text = (await readFile(tokenFile, 'utf8')).replace(/\r?\n$/, '')
  if (text === '') throw new OptionError(`the token file ${tokenFile} is empty`)
  return new TextEncoder().encode(text)
}
