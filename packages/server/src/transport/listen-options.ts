import { quote, show } from '../internal/format-value.ts'

/**
 * Where to listen: a host and a port (0: any free one), the path of a Unix socket, or a descriptor of this process that is
 * bound already, for example by systemd, or by a parent that shares it with several processes.
 */
export type ListenOptions =
  | {
      /** @default '127.0.0.1' */
      readonly host?: string | undefined
      readonly port: number
    }
  | {
      /** At most {@link MAX_SOCKET_PATH_LENGTH} bytes. On Linux a name after `\0` is an abstract socket: no file. */
      readonly path: string
    }
  | { readonly fd: number }

/**
 * Why a server does not listen. Match these codes, not the message. An error of the system has the system's code instead:
 * `EADDRINUSE`, `EACCES`, …
 *
 * - `ERR_SOCKET_BAD_PORT`: the port is not an integer from 0 to 65,535.
 * - `ERR_INVALID_ARG_VALUE`: the host or the path is empty, not a string, or contains a zero byte.
 * - `ENAMETOOLONG`: the path is longer than the system's limit for sockets.
 * - `ERR_SERVER_ALREADY_LISTEN`: the server listens already, or is about to.
 * - `ERR_SERVER_CLOSED`: the server is closed.
 */
export type ListenErrorCode =
  | 'ERR_SOCKET_BAD_PORT'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ENAMETOOLONG'
  | 'ERR_SERVER_ALREADY_LISTEN'
  | 'ERR_SERVER_CLOSED'

/** The server cannot listen there, or not now. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: ListenErrorCode

  constructor(code: ListenErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The longest path of a Unix socket in bytes of UTF-8, without the zero at its end: `sun_path` of unix(7). Windows has
 * named pipes instead, with another limit.
 */
export const MAX_SOCKET_PATH_LENGTH = { linux: 107, win32: Number.POSITIVE_INFINITY }[process.platform as string] ?? 103

const MAX_PORT = 65_535

/**
 * Makes the options of `net.Server.listen`. Node itself would truncate a long path and listen there, treat an empty host as
 * all interfaces, and a missing port as any port.
 *
 * @throws ListenError
 */
export function checkListenOptions(
  options: ListenOptions,
): { path: string } | { host: string; port: number } | { fd: number } {
  if ('fd' in options) return { fd: options.fd }
  const { path, host = '127.0.0.1', port } = options as { path?: string; host?: string; port?: number }
  if (path !== undefined) return { path: checkPath(path) }
  if (typeof host !== 'string' || host === '') {
    throw new ListenError('ERR_INVALID_ARG_VALUE', `invalid host ${quote(host)}: expected an address or a host name`)
  }
  return { host, port: checkPort(port) }
}

function checkPath(path: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0', 1)) {
    throw new ListenError(
      'ERR_INVALID_ARG_VALUE',
      `invalid path ${quote(path)}: expected a non-empty string without zero bytes`,
    )
  }
  // An abstract socket has a zero byte before its name.
  const length = Buffer.byteLength(path.startsWith('\0') ? path.slice(1) : path)
  if (length <= MAX_SOCKET_PATH_LENGTH) return path
  throw new ListenError(
    'ENAMETOOLONG',
    `path too long: ${show(path)} has ${length} bytes, a Unix socket's path has at most ${MAX_SOCKET_PATH_LENGTH}`,
  )
}

/** Like Node, it accepts digits in a string: a port may come from an environment variable. */
function checkPort(port: unknown): number {
  const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port
  if (Number.isInteger(number) && (number as number) >= 0 && (number as number) <= MAX_PORT) return number as number
  throw new ListenError(
    'ERR_SOCKET_BAD_PORT',
    `invalid port ${typeof port === 'number' ? `'${port}'` : quote(port)}: expected 0–${MAX_PORT}`,
  )
}
