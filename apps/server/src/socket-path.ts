import { createHash } from 'node:crypto'
import { lstatSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { basename, dirname } from 'node:path'
import { ExitError } from '@demo/cli'
import { MAX_SOCKET_PATH_LENGTH } from '@demo/server'
import { CANNOT_LISTEN } from './listening.ts'

/**
 * Prepares to listen on a Unix socket: removes the file that a killed process left behind, and keeps all other servers from
 * the path until it is released. Without that, of two servers that start at the same time one would remove the other's new
 * socket as if it was the old one.
 *
 * | step                              | what another server that starts meanwhile sees       |
 * |-----------------------------------|------------------------------------------------------|
 * | claim the path                    | it is claimed: it fails                              |
 * | nobody answers there: unlink      | it is claimed: it fails                              |
 * | the caller listens, and releases  | it may claim the path, is answered there, and fails  |
 *
 * @returns what releases the path, once the server listens; the end of the process, however it comes, releases it too
 * @throws ExitError with status 3 when another server has claimed it, there is something that is no socket, or a right is
 *   missing; the path stays claimed until the process has ended
 */
export async function claimPath(path: string): Promise<() => void> {
  // The library says so, once it is asked to listen. Node before 22 would look at another, cut path.
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
  if (!found.isSocket()) throw cannotListen(path, 'there is something that is no socket')
  // The server is asked to listen there nevertheless, and says that it is taken.
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
 * An abstract socket is the claim: one process has it, and the system takes it back when the process ends, even killed. A
 * file would have to be judged by the number of a process, which in containers is 1 for all. Only Linux has them.
 */
async function claim(path: string): Promise<() => void> {
  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  // The system would say "permission denied".
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
