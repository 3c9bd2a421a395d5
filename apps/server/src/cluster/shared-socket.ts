import { lookup } from 'node:dns/promises'
import { lstatSync, type Stats, unlinkSync } from 'node:fs'
import net from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { ListenError, MAX_SOCKET_PATH_LENGTH, type ServerAddress } from '@demo/server'
import type { Where } from '../listening.ts'

/** The descriptor by which a worker has the listening socket: the first after its channel to the primary. */
export const SHARED_FD = 4

/** Connections that the system keeps ready for us to accept. */
const BACKLOG = 4096

/** What Node has of a socket; `node:cluster` shares one in the same way. */
interface Handle {
  readonly fd: number
  getsockname?(name: object): number
  listen(backlog: number): number
  readStart(): number
  readStop(): number
  close(): void
}

type CreateHandle = (address: string | null, port: number | null, type: number | null, fd?: number) => Handle | number

/** A socket that the workers accept on. The primary holds it open, and never accepts: so the port outlives all workers. */
export class SharedSocket {
  readonly fd: number
  /** Where it is. */
  readonly address: ServerAddress
  #close: (() => void) | undefined

  private constructor(fd: number, address: ServerAddress, close: () => void) {
    this.fd = fd
    this.address = address
    this.#close = close
  }

  /** @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, … */
  static async bind(where: Where): Promise<SharedSocket> {
    if ('path' in where) return SharedSocket.#bindPath(where.path)
    const { address, family } = await lookup(where.host ?? '127.0.0.1')
    const handle = create(address, where.port, family)
    const bound = { address, port: where.port }
    // libuv keeps it to itself until then that a port is taken.
    check(handle.getsockname?.(bound) ?? 0)
    return new SharedSocket(handle.fd, { address: bound.address, port: bound.port }, () => handle.close())
  }

  static #bindPath(path: string): SharedSocket {
    // Node before 22 would cut it off, and listen somewhere else.
    const length = Buffer.byteLength(path)
    if (length > MAX_SOCKET_PATH_LENGTH) {
      const limit = `a Unix socket's path has at most ${MAX_SOCKET_PATH_LENGTH}`
      throw new ListenError('ENAMETOOLONG', `path too long: it has ${length} bytes, ${limit}`)
    }
    const { fd } = create(path, -1, -1)
    // From the first moment on: a path that nobody listens on looks as if it were left behind.
    const listener = listenOnly(fd)
    const made = lstatSync(path)
    return new SharedSocket(fd, { path }, () => {
      removeSocket(path, made)
      // Not the other handle: with its end libuv removes whatever is at the path by then.
      listener.close()
    })
  }

  /** Nobody can connect any more, once the workers have closed it too. A second call does nothing. */
  close(): void {
    this.#close?.()
    this.#close = undefined
  }
}

/** Unless there is another by now. One that can't be removed is replaced at the next start. */
function removeSocket(path: string, { ino, dev }: Stats): void {
  try {
    const now = lstatSync(path)
    if (now.ino === ino && now.dev === dev) unlinkSync(path)
  } catch {}
}

/** The same function by which `net.Server` makes its handle; Node's own types leave it out. */
function create(...args: Parameters<CreateHandle>): Handle {
  const { _createServerHandle } = net as unknown as { _createServerHandle: CreateHandle }
  const handle = _createServerHandle(...args)
  if (typeof handle === 'number') throw systemError(handle)
  return handle
}

/** Listens without accepting. Only a handle that was made of a descriptor can stop polling: see `pauseAccepting`. */
function listenOnly(fd: number): Handle {
  const handle = create(null, null, null, fd)
  check(handle.listen(BACKLOG))
  check(handle.readStart())
  check(handle.readStop())
  return handle
}

function check(error: number): void {
  if (error !== 0) throw systemError(error)
}

function systemError(number: number): Error {
  const [code = `error ${number}`, message = 'unknown'] = getSystemErrorMap().get(number) ?? []
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
