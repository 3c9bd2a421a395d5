import { lookup } from 'node:dns/promises'
import { lstatSync, type Stats, unlinkSync } from 'node:fs'
import net from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { ListenError, MAX_SOCKET_PATH_LENGTH, type ServerAddress } from '@demo/server'
import type { ListenAddress } from '../endpoints/listen.ts'

/** The descriptor of the listening socket in each worker: the first after its channel to the primary. */
export const SHARED_FD = 4

/** How many connections may wait to be accepted. */
const BACKLOG = 4096

/** Node's own handle of a socket. `node:cluster` shares sockets in the same way. */
interface Handle {
  readonly fd: number
  getsockname?(name: object): number
  listen(backlog: number): number
  readStart(): number
  readStop(): number
  close(): void
}

type CreateHandle = (address: string | null, port: number | null, type: number | null, fd?: number) => Handle | number

/** The listening socket of all workers. The primary keeps it open and never accepts, so the port outlives each worker. */
export class SharedSocket {
  readonly fd: number
  readonly address: ServerAddress
  #close: (() => void) | undefined

  private constructor(fd: number, address: ServerAddress, close: () => void) {
    this.fd = fd
    this.address = address
    this.#close = close
  }

  /** @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, … */
  static async bind(where: ListenAddress): Promise<SharedSocket> {
    if ('path' in where) return SharedSocket.#bindPath(where.path)
    const { address, family } = await lookup(where.host ?? '127.0.0.1')
    const handle = create(address, where.port, family)
    const bound = { address, port: where.port }
    // libuv reports a taken port only here.
    check(handle.getsockname?.(bound) ?? 0)
    return new SharedSocket(handle.fd, { address: bound.address, port: bound.port }, () => handle.close())
  }

  static #bindPath(path: string): SharedSocket {
    // Node before 22 would cut the path, and listen on another one.
    const length = Buffer.byteLength(path)
    if (length > MAX_SOCKET_PATH_LENGTH) {
      const limit = `a Unix socket's path has at most ${MAX_SOCKET_PATH_LENGTH}`
      throw new ListenError('ENAMETOOLONG', `path too long: it has ${length} bytes, ${limit}`)
    }
    const { fd } = create(path, -1, -1)
    // At once: a path on which no process listens looks like one that a killed process left behind.
    const listener = listenOnly(fd)
    const made = lstatSync(path)
    return new SharedSocket(fd, { path }, () => {
      removeSocket(path, made)
      // Not the first handle: when it closes, libuv removes the file at the path, also that of another server.
      listener.close()
    })
  }

  /** Once the workers have closed it too, new connections are refused. A second call does nothing. */
  close(): void {
    this.#close?.()
    this.#close = undefined
  }
}

/** Removes the socket, unless another one has replaced it. If that fails, the next start replaces it. */
function removeSocket(path: string, { ino, dev }: Stats): void {
  try {
    const now = lstatSync(path)
    if (now.ino === ino && now.dev === dev) unlinkSync(path)
  } catch {}
}

/** The function with which `net.Server` makes its handle. It is not in Node's types. */
function create(...args: Parameters<CreateHandle>): Handle {
  const { _createServerHandle } = net as unknown as { _createServerHandle: CreateHandle }
  const handle = _createServerHandle(...args)
  if (typeof handle === 'number') throw systemError(handle)
  return handle
}

/** Listens without accepting. Only a handle made from a descriptor can stop polling: see `pauseAccepting`. */
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
