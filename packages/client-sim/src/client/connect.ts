import { openConnection } from '../connection/open-connection.ts'
import type { Client } from './client.ts'
import { type ConnectOptions, limitsOf } from './client-options.ts'
import { TcpClient } from './tcp-client.ts'

/**
 * Connects to a server, and authenticates if there are credentials.
 *
 * @example
 * const client = await connect({ port: 8888 })
 * const result = await client.submit(new TextEncoder().encode('hello'))
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; with credentials also
 *   `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
 * @throws RangeError when an option is invalid
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const limits = limitsOf(options)
  return new TcpClient(await openConnection(options, limits.timeout), limits)
}
