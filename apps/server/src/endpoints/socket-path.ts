import { createHash } from 'node:crypto'
import { lstatSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { basename, dirname } from 'node:path'
import { ExitError } from '@demo/cli'
import { MAX_SOCKET_PATH_LENGTH } from '@demo/server'
import { CANNOT_LISTEN } from './listen.ts'

/**
 * Prepares to listen on a Unix socket: removes the file that a killed process left behind, and keeps all other servers away
 * from the path until it is released. Otherwise, when two servers start at the same time, one could remove the new socket
 * of the other.
 *
 * | step                              | a second server that starts at the same time           |
 * |-----------------------------------|--------------------------------------------------------|
 * | claim the path                    | finds the path claimed, and fails                      |
 * | no server answers there: unlink   | finds the path claimed, and fails                      |
 * | the caller listens, and releases  | may claim the path, gets an answer there, and fails    |
 *
 * @returns releases the path: call it once the server listens; the end of the process, however it comes, releases it too
 * @throws ExitError with status 3 when another server has claimed the path, the file there is not a socket, or a permission
 *   is missing; the path stays claimed until the process has ended
 */
export async function claimPath(path: string): Promise<() => void> {
  // Listening fails later, with the library's error. Node before 22 would cut the path, and look at another one.
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_LENGTH) return () => {}
  try {
    const release = await claim(path)
    await removeLeftover(path)
    return release
  } catch (error) {
    throw error instanceof ExitError ? error : cannotListen(path, (error as Error).message)
  }
}

async function removeLeftover(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw cannotListen(path, 'the file there is not a socket')
  // Another server answers: listening fails later, and says that the path is taken.
  if (await isListenedOn(path)) return
  if (isSame(found, lstatSync(path, { throwIfNoEntry: false }))) unlinkSync(path)
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

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev
}

/**
 * The claim is an abstract socket: one process has it, and the system removes it when the process ends, even by SIGKILL. A
 * lock file would hold a process ID, which in each container is 1. Only Linux has abstract sockets.
 */
async function claim(path: string): Promise<() => void> {
  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  // Without this check, the error would be "permission denied".
  if (folder === undefined) throw cannotListen(path, 'its folder does not exist')
  if (process.platform !== 'linux') return () => {}
  const place = createHash('sha256')
    .update(`${folder.dev}:${folder.ino}/${basename(path)}`)
    .digest('hex')
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).unref()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is taken: another server is starting there' : error.message
      reject(cannotListen(path, why))
    })
    server.listen({ path: `\0demo-server-${place}`, exclusive: true }, () => resolve(() => server.close()))
  })
}

function cannotListen(path: string, why: string): ExitError {
  return new ExitError(CANNOT_LISTEN, `can't listen on ${path}: ${why}`)
}
