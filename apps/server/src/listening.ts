import { ExitError } from '@demo/cli'
import type { ListenOptions } from '@demo/server'
import type { Config } from './flags.ts'

/** Exit status: a port is taken, an address is not ours, a right is missing. */
export const CANNOT_LISTEN = 3

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
