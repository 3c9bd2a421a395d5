import dns, { type LookupAddress } from 'node:dns'
import { getDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import type { Engine, EngineConnection } from '@demo/engine'
import { checkInteger } from '../common/check-options.ts'
import { listenTo, stopListening } from './abort-signals.ts'
import { connectError } from './connect-error.ts'
import { locationProblem } from './location-problem.ts'
import { addressOf, describeLocation, type ServerLocation } from './server-location.ts'

/** From this many unsent bytes on, the connection asks to send no more. */
const HIGH_WATER_MARK = 64 * 1024

const MAX_PORT = 65_535

/** The longest name of an abstract socket in bytes, the zero before it included: `sun_path` of unix(7). */
const MAX_ABSTRACT_LENGTH = 108

/** Where the engine connects to: it knows no names. */
type Target = { readonly path: string } | { readonly address: string; readonly port: number }

/**
 * Opens a connection of the native engine, as `openSocket` opens a socket of Node. A name that has several addresses is tried
 * at each of them, in Node's order and with Node's time for each.
 *
 * @param timeout in milliseconds, for the name and all its addresses; 0 waits as long as the system does
 * @throws ClientError `ERR_CLIENT_CONNECT`; and the signal's reason
 * @throws RangeError when the port is invalid
 */
export function openEngineConnection(
  engine: Engine,
  location: ServerLocation,
  timeout: number,
  signal?: AbortSignal,
): Promise<EngineConnection> {
  const problem = locationProblem(location)
  if (problem !== undefined) return Promise.reject(problem)
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const where = addressOf(location)
    if (where.path === undefined) checkInteger('port', where.port, 0, MAX_PORT)
    const errors: Error[] = []
    let settled = false
    let connection: EngineConnection | undefined
    let attemptTimer: NodeJS.Timeout | undefined
    const timedOut = () => failed(new Error(`no answer within ${timeout} ms`))
    const timer = timeout > 0 ? setTimeout(timedOut, timeout) : undefined
    const abortable = { aborted: giveUp }
    if (signal !== undefined) listenTo(signal, abortable)
    try {
      if (where.path !== undefined) attempt(pathTargets(where.path))
      else lookUp(where.host, where.port, settleLookup)
    } catch (error) {
      giveUp(error)
    }

    function settleLookup(error: Error | null, targets: readonly Target[]): void {
      if (settled) return
      if (error === null) attempt(targets)
      else failed(error)
    }

    function attempt([target, ...others]: readonly Target[]): void {
      if (target === undefined) {
        failed(asOne(errors))
        return
      }
      const next = (error: Error) => {
        clearTimeout(attemptTimer)
        errors.push(error)
        attempt(others)
      }
      const begun = begin(engine, target)
      if (begun instanceof Error) {
        next(begun)
        return
      }
      connection = begun
      begun.attach({
        onConnect() {
          settle()
          resolve(begun)
        },
        onError: (error) => next(connectFailure(error, target)),
        onBytes() {},
        onEnd() {},
        onWritable() {},
        onClose() {},
      })
      if (others.length === 0) return
      attemptTimer = setTimeout(() => {
        begun.destroy()
        next(connectFailure({ code: 'ETIMEDOUT' }, target))
      }, getDefaultAutoSelectFamilyAttemptTimeout())
    }

    function settle(): void {
      settled = true
      clearTimeout(timer)
      clearTimeout(attemptTimer)
      if (signal !== undefined) stopListening(signal, abortable)
    }
    function failed(cause: Error): void {
      giveUp(connectError(describeLocation(location), undefined, cause))
    }
    function giveUp(reason: unknown): void {
      settle()
      connection?.destroy()
      reject(reason)
    }
  })
}

/** Begins to connect. The system refuses some connections at once, such as to a Unix socket that is not there. */
function begin(engine: Engine, target: Target): EngineConnection | Error {
  try {
    return engine.connect({ ...target, highWaterMark: HIGH_WATER_MARK, keep: false })
  } catch (error) {
    return connectFailure(error as NodeJS.ErrnoException, target)
  }
}

function lookUp(host: string, port: number, found: (error: Error | null, targets: readonly Target[]) => void): void {
  dns.lookup(host || 'localhost', { all: true }, (error, addresses) => {
    found(error, error === null ? alternateFamilies(addresses).map(({ address }) => ({ address, port })) : [])
  })
}

/**
 * The name of an abstract socket has a length. Node 20 fills it up with zeros to the longest one, later versions of Node and
 * other programs do not.
 */
function pathTargets(path: string): readonly Target[] {
  if (!path.startsWith('\0')) return [{ path }]
  return [{ path }, { path: path + '\0'.repeat(MAX_ABSTRACT_LENGTH - Buffer.byteLength(path)) }]
}

/** As Node does: one address of each family in turn, the first one's family first. */
function alternateFamilies(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const family = addresses[0]?.family
  const own = addresses.filter((one) => one.family === family)
  const other = addresses.filter((one) => one.family !== family)
  return [...own.flatMap((one, i) => [one, ...other.slice(i, i + 1)]), ...other.slice(own.length)]
}

/** The message and the fields as Node's: `connect ECONNREFUSED 127.0.0.1:8888`. */
function connectFailure({ errno, code }: Partial<NodeJS.ErrnoException>, target: Target): Error {
  const where = 'path' in target ? { address: target.path.replace(/\0+$/, '') } : target
  const shown = 'port' in where ? `${where.address}:${where.port}` : where.address
  return Object.assign(new Error(`connect ${code} ${shown}`), { errno, code, syscall: 'connect', ...where })
}

/** The only error, also of the two names of an abstract socket; otherwise one with an error for each address, as Node's. */
function asOne(errors: readonly Error[]): Error {
  const [first] = errors
  const same = errors.every(({ message }) => message === first?.message)
  return first !== undefined && same ? first : new AggregateError(errors)
}
