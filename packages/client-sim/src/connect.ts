import { connect as connectSocket, type Socket } from 'node:net'
import { ClientError } from './client-error.ts'

/** Where a server listens: a host and a port, or the path of a Unix socket. */
export type ServerLocation =
  | {
      /** @default '127.0.0.1' */
      readonly host?: string
      readonly port: number
    }
  | { readonly path: string }

function describeLocation(location: ServerLocation): string {
  return 'path' in location ? location.path : `${location.host ?? '127.0.0.1'}:${location.port}`
}

/** The longest that a timer of Node can wait, in milliseconds: 24 days. */
const MAX_TIMEOUT = 2 ** 31 - 1

/** @throws RangeError when it is no time limit */
export function checkTimeout(timeout: number): number {
  if (timeout >= 0 && timeout <= MAX_TIMEOUT) return timeout
  throw new RangeError(`timeout is ${timeout}; it must be from 1 to ${MAX_TIMEOUT} milliseconds, or 0 for no limit`)
}

/**
 * Opens a socket.
 *
 * @param timeout in milliseconds; 0 waits as long as the system does
 * @throws ClientError `ERR_CLIENT_CONNECT`
 */
export function openSocket(location: ServerLocation, timeout: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = 'path' in location ? location : { host: location.host ?? '127.0.0.1', port: location.port }
    const socket = connectSocket({ ...where, noDelay: true })
    const timer = timeout > 0 ? setTimeout(() => fail(new Error(`no answer within ${timeout} ms`)), timeout) : undefined
    const fail = (cause: Error) => {
      clearTimeout(timer)
      socket.destroy()
      const message = `can't connect to ${describeLocation(location)}: ${reasonOf(cause)}`
      reject(new ClientError('ERR_CLIENT_CONNECT', message, { cause }))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

/** The reason in a few words: of a name with several addresses, Node gathers the failures without a message. */
function reasonOf(cause: Error): string {
  if (cause instanceof AggregateError) return cause.errors.map((error: Error) => error.message).join(', ')
  return cause.message
}
