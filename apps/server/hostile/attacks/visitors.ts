/** Peers that say something, and listen until their connection ends. */
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { type ClientTls, dial } from './dial.ts'

const PATIENCE = 20_000

/** Who comes. */
export interface VisitOptions {
  readonly port: number
  /** What each of them sends, as hex. */
  readonly sends: readonly string[]
  /** With TLS. */
  readonly tls?: ClientTls
  /** Connections at the same time; all of them by default. */
  readonly atOnce?: number
}

/** What one of them went through. */
export interface Visit {
  /** The server calls it `remotePort`. */
  readonly localPort: number
  /** What came, as hex. */
  readonly received: string
  /** Whether its connection ended before patience did. */
  readonly ended: boolean
  /** From the beginning of the connection to its end, in seconds. */
  readonly lifetime: number
}

/** Each says its piece, and stays until it is turned out. */
export async function visit({ port, sends, tls, atOnce = sends.length }: VisitOptions): Promise<Visit[]> {
  const secureContext = tls === undefined ? undefined : createSecureContext({ ...tls })
  const visits: Visit[] = []
  const left = [...sends]
  const line = async () => {
    for (let bytes = left.pop(); bytes !== undefined; bytes = left.pop()) {
      visits.push(await one(bytes, (prepare) => dial({ port, secureContext, prepare })))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, line))
  return visits
}

async function one(sends: string, connect: (prepare: (socket: Socket) => void) => Promise<Socket>): Promise<Visit> {
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
    // Who is refused in the handshake has nothing to say any more; that its connection closed is told above.
    connect(prepare).then(
      (socket) => socket.write(Buffer.from(sends, 'hex')),
      () => {},
    )
  })
  await over
  const lifetime = (end - start) / 1000
  return { localPort, received, ended: lifetime * 1000 < PATIENCE, lifetime }
}
