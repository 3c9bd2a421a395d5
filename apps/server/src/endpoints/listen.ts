import { ExitError } from '@demo/cli'
import type { ListenOptions } from '@demo/server'
import type { Config } from '../config/flags.ts'

/** Exit status: the port is taken, the address is not of this machine, or a permission is missing. */
export const CANNOT_LISTEN = 3

/** An address or a path to listen on. */
export type ListenAddress = Exclude<ListenOptions, { readonly fd: number }>

/** The flag that sets where the server listens, and its value. */
export interface ListenSetting {
  readonly flag: string
  readonly where: ListenAddress
}

/** Where the configuration says that the server listens. */
export function listenSetting({ host, port, listenPath }: Config): ListenSetting {
  if (listenPath === undefined) return { flag: '--port', where: { host, port } }
  return { flag: '--listen-path', where: { path: listenPath } }
}

/**
 * Listens.
 *
 * @throws ExitError with status 3 and one line that names the address and says what is wrong
 */
export async function listenOrExit<Endpoint>(
  { flag, where }: ListenSetting,
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
