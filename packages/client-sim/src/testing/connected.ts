import { type FakeServerOptions, type ServerSide, startFakeServer } from '@demo/testkit/fake-server'
import { within } from '@demo/testkit/wait-for'
import { onTestFinished, vi } from 'vitest'
import { type Client, type ConnectOptions, connect } from '../index.ts'

/** A client, and the server's side of its connection. */
export interface Connected {
  readonly client: Client
  readonly side: ServerSide
}

/** Options of the client and of the server it connects to. */
export type ConnectedOptions = Omit<ConnectOptions, 'host' | 'port' | 'path' | 'credentials'> & FakeServerOptions

/** Connects a client to a server whose bytes the test sends. */
export async function connected(options: ConnectedOptions = {}): Promise<Connected> {
  const server = await startFakeServer(options)
  const client = await within(connect({ ...options, ...server.location }), 'for a client to connect')
  return { client, side: await server.accepted() }
}

/** From now to the end of the test `setTimeout` waits for `vi.advanceTimersByTime`. Sockets work as always. */
export function turnClockByHand(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
}
