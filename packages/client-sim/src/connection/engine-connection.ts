import { lookup } from 'node:dns/promises'
import type { Engine, EngineConnection } from '@demo/engine'
import { connectError } from './connect-error.ts'
import { locationProblem } from './location-problem.ts'
import { addressOf, describeLocation, type ServerLocation } from './server-location.ts'

/** From this many unsent bytes on, the connection asks to send no more. */
const HIGH_WATER_MARK = 64 * 1024

/**
 * The native engine of this thread; undefined where it is not installed, or can't be loaded.
 *
 * @throws the reason, if it is `required`
 */
export async function nativeEngine(required: boolean): Promise<Engine | undefined> {
  try {
    const { loadEngine } = await import('@demo/engine')
    return loadEngine()
  } catch (error) {
    if (required) throw error
    return undefined
  }
}

/**
 * Opens a connection of the native engine. A name that has several addresses is tried at each of them.
 *
 * @param timeout in milliseconds; 0 waits as long as the system does
 * @throws ClientError `ERR_CLIENT_CONNECT`; and the signal's reason
 */
export async function openEngineConnection(
  engine: Engine,
  location: ServerLocation,
  timeout: number,
  signal?: AbortSignal,
): Promise<EngineConnection> {
  const problem = locationProblem(location)
  if (problem !== undefined) throw problem
  const limit = timeout > 0 ? AbortSignal.timeout(timeout) : undefined
  try {
    const errors: Error[] = []
    for (const where of await addresses(location)) {
      signal?.throwIfAborted()
      try {
        return await open(engine, where, limit, signal)
      } catch (error) {
        if (limit?.aborted || signal?.aborted) throw error
        errors.push(error as Error)
      }
    }
    const [first] = errors
    throw errors.length === 1 && first !== undefined ? first : new AggregateError(errors)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    const cause = limit?.aborted ? new Error(`no answer within ${timeout} ms`) : (error as Error)
    throw connectError(describeLocation(location), undefined, cause)
  }
}

type EngineLocation = { readonly path: string } | { readonly address: string; readonly port: number }

async function addresses(location: ServerLocation): Promise<readonly EngineLocation[]> {
  const where = addressOf(location)
  if ('path' in where) return [{ path: where.path }]
  const found = await lookup(where.host, { all: true })
  return found.map(({ address }) => ({ address, port: where.port }))
}

function open(
  engine: Engine,
  where: EngineLocation,
  limit: AbortSignal | undefined,
  signal: AbortSignal | undefined,
): Promise<EngineConnection> {
  return new Promise((resolve, reject) => {
    const connection = engine.connect({ ...where, highWaterMark: HIGH_WATER_MARK, keep: false })
    const giveUp = () => {
      settle()
      connection.destroy()
      reject(signal?.aborted ? signal.reason : limit?.reason)
    }
    const settle = () => {
      limit?.removeEventListener('abort', giveUp)
      signal?.removeEventListener('abort', giveUp)
    }
    limit?.addEventListener('abort', giveUp)
    signal?.addEventListener('abort', giveUp)
    connection.attach({
      onConnect() {
        settle()
        resolve(connection)
      },
      onError(error) {
        settle()
        reject(connectFailure(error, where))
      },
      onBytes() {},
      onEnd() {},
      onWritable() {},
      onClose() {},
    })
  })
}

/** The message as Node's: `connect ECONNREFUSED 127.0.0.1:8888`. */
function connectFailure(error: NodeJS.ErrnoException, where: EngineLocation): Error {
  const target = 'path' in where ? where.path : `${where.address}:${where.port}`
  return Object.assign(new Error(`connect ${error.code} ${target}`), { code: error.code, syscall: 'connect' })
}
