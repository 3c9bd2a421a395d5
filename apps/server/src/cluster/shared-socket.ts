import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { getSystemErrorMap } from 'node:util'
import type { ServerAddress } from '@demo/server'
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
  readonly #handle: Handle

  private constructor(handle: Handle, address: ServerAddress) {
    this.#handle = handle
    this.fd = handle.fd
    this.address = address
  }

  /** @throws the system's error, with its code: `EADDRINUSE`, `EACCES`, … */
  static async bind(where: Where): Promise<SharedSocket> {
    if ('path' in where) {
      const handle = create(where.path, -1, -1)
      // From the first moment on: a path that nobody listens on looks as if it were left behind.
      listenOnly(handle)
      return new SharedSocket(handle, where)
    }
    const { address, family } = await lookup(where.host ?? '127.0.0.1')
    const handle = create(address, where.port, family)
    const bound = { address, port: where.port }
    // libuv keeps it to itself until then that a port is taken.
    check(handle.getsockname?.(bound) ?? 0)
    return new SharedSocket(handle, { address: bound.address, port: bound.port })
  }

  /** Nobody can connect any more, once the workers have closed it too. A second call does nothing. */
  close(): void {
    this.#handle.close()
  }
}

/** The same function by which `net.Server` makes its handle; Node's own types leave it out. */
function create(...args: Parameters<CreateHandle>): Handle {
  const { _createServerHandle } = net as unknown as { _createServerHandle: CreateHandle }
  const handle = _createServerHandle(...args)
  if (typeof handle === 'number') throw systemError(handle)
  return handle
}

/** Listens without accepting. Only a handle that was made of a descriptor can stop polling: see `pauseAccepting`. */
function listenOnly({ fd }: Handle): void {
  const poller = create(null, null, null, fd)
  check(poller.listen(BACKLOG))
  check(poller.readStart())
  check(poller.readStop())
}

function check(error: number): void {
  if (error !== 0) throw systemError(error)
}

function systemError(number: number): Error {
  const [code = `error ${number}`, message = 'unknown'] = getSystemErrorMap().get(number) ?? []
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
