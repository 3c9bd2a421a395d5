import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { ExitError } from '@demo/cli'
import type { ListenOptions } from '@demo/server'
import type { Config } from './flags.ts'

/** Exit status: a port is taken, an address is not ours, a right is missing. */
export const CANNOT_LISTEN = 3

/** The longest path of a socket, in bytes: `sun_path` of unix(7), without the zero at its end. */
const MAX_PATH_LENGTH = process.platform === 'linux' ? 107 : 103

/** An address or a path to listen on. */
export type Where = Exclude<ListenOptions, { readonly fd: number }>

/** Where a configuration says to listen. */
export function whereToListen({ host, port, listenPath }: Config): Where {
  return listenPath === undefined ? { host, port } : { path: listenPath }
}

/**
 * Listens.
 *
 * @param flag that says where
 * @throws ExitError with status 3 and one line that says which address can't be had, and why
 */
export async function listening<Endpoint>(
  flag: string,
  where: Where,
  listen: () => Promise<Endpoint>,
): Promise<Endpoint> {
  try {
    return await listen()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? `it is taken; choose another with ${flag}` : message
    throw new ExitError(
      CANNOT_LISTEN,
      `can't listen on ${'path' in where ? where.path : `${where.host}:${where.port}`}: ${why}`,
    )
  }
}

/**
 * Removes the socket that a process left behind when it was killed: nobody listens on it any more.
 *
 * @throws ExitError with status 3 when there is something else at the path, or there can be no socket
 */
export async function clearPath(path: string): Promise<void> {
  // Node before 22 would cut it off, and listen somewhere else.
  if (Buffer.byteLength(path) > MAX_PATH_LENGTH)
    throw new ExitError(CANNOT_LISTEN, `can't listen on ${path}: it is longer than ${MAX_PATH_LENGTH} bytes`)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isSocket())
    throw new ExitError(CANNOT_LISTEN, `can't listen on ${path}: there is something that is no socket`)
  if (await isListenedOn(path)) return
  unlinkSync(path)
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}
