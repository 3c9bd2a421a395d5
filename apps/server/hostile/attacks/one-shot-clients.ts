/** Clients that send something once, and read until their connection ends. */
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { type ClientTls, dial } from './dial.ts'
import { inParallel } from './in-parallel.ts'

const PATIENCE = 20_000

/** Which clients to start. */
export interface OneShotOptions {
  readonly port: number
  /** What each client sends, as hex. */
  readonly sends: readonly string[]
  /** With TLS. */
  readonly tls?: ClientTls
  /** Connections at the same time; all of them by default. */
  readonly atOnce?: number
}

/** The result of one client. */
export interface OneShotResult {
  /** The `remotePort` of the server's log. */
  readonly localPort: number
  /** What it received, as hex. */
  readonly received: string
  /** Whether the server ended its connection in time. */
  readonly ended: boolean
  /** From the beginning of the connection to its end, in seconds. */
  readonly lifetime: number
}

/** Starts the clients. Each sends its bytes, and waits until the server ends its connection. */
export async function sendAndListen({
  port,
  sends,
  tls,
  atOnce = sends.length,
}: OneShotOptions): Promise<OneShotResult[]> {
  const secureContext = tls === undefined ? undefined : createSecureContext({ ...tls })
  const results: OneShotResult[] = []
  await inParallel(atOnce, sends, async (bytes) => {
    results.push(await one(bytes, (prepare) => dial({ port, secureContext, prepare })))
  })
  return results
}

async function one(
  sends: string,
  connect: (prepare: (socket: Socket) => void) => Promise<Socket>,
): Promise<OneShotResult> {
  const start = performance.now()
  let [received, localPort, end] = ['', 0, Number.NaN]
  const seen = () => {
    if (Number.isNaN(end)) end = performance.now()
  }
  const over = new Promise<void>((resolve) => {
    const prepare = (socket: Socket) => {
      const late = setTimeout(() => socket.destroy(), PATIENCE)
      late.unref()
      socket.once('connect', () => {
        localPort = socket.localPort ?? 0
      })
      socket.on('data', (chunk) => {
        received += chunk.toString('hex')
      })
      socket.on('error', () => {})
      socket.on('end', seen)
      socket.on('close', () => {
        clearTimeout(late)
        seen()
        resolve()
      })
    }
    // A client that is refused in the handshake sends nothing. Its `close` is handled above.
    connect(prepare).then(
      (socket) => socket.write(Buffer.from(sends, 'hex')),
      () => {},
    )
  })
  await over
  const lifetime = (end - start) / 1000
  return { localPort, received, ended: lifetime * 1000 < PATIENCE, lifetime }
}
