import { isIP } from 'node:net'

/** Where a server listens: a host and a port, or the path of a Unix socket. */
export type ServerLocation =
  | {
      /** @default '127.0.0.1' */
      readonly host?: string | undefined
      readonly port: number
    }
  | { readonly path: string }

const LOCALHOST = '127.0.0.1'

/** The location as Node's `connect` takes it. */
export const addressOf = (location: ServerLocation) =>
  'path' in location ? { path: location.path } : { host: location.host ?? LOCALHOST, port: location.port }

/** The location as text, for errors. */
export function describeLocation(location: ServerLocation): string {
  if ('path' in location) return location.path
  const { host = LOCALHOST, port } = location
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
