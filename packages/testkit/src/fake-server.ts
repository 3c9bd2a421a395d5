import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Peer } from './peer.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { waitFor } from './wait-for.ts'
import { watchFrames } from './watch-frames.ts'

/** Options of {@link startFakeServer}. */
export interface FakeServerOptions {
  /** Whether it reads what a client sends; false until {@link Peer.read}. */
  readonly reads?: boolean
  /** Whether it leaves its side open when a client has ended its own. */
  readonly holdsOn?: boolean
  /** Whether it listens on a Unix socket. */
  readonly unix?: boolean
  /** Called with each connection as it is accepted. */
  readonly onAccept?: (side: ServerSide) => void
}

/** A server without frames: the test sends the bytes. It is closed at the end of its test. */
export interface FakeServer {
  readonly location: { readonly port: number } | { readonly path: string }
  /** 0 on a Unix socket. */
  readonly port: number
  /** The connections accepted so far, in order. */
  readonly sides: readonly ServerSide[]
  /** Waits for the connection with this number, counted from 1. */
  accepted(number?: number): Promise<ServerSide>
}

/** The server's side of one connection. */
export type ServerSide = Peer<Socket>

/** Starts a server on a free port of 127.0.0.1, or on a Unix socket. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const { reads = true, holdsOn = false, unix = false, onAccept } = options
  const sides: ServerSide[] = []
  const net = createServer({ allowHalfOpen: holdsOn, noDelay: true }, (socket) => {
    const side = new Peer({ stream: socket, reset: () => socket.resetAndDestroy() })
    if (reads) side.read()
    sides.push(side)
    onAccept?.(side)
  })
  const path = unix ? join(temporaryFolder(), 'socket') : undefined
  await new Promise<void>((resolve, reject) => {
    net.once('error', reject)
    net.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path }, resolve)
  })
  onTestFinished(async () => {
    for (const side of sides) side.socket.destroy()
    await new Promise((resolve) => net.close(resolve))
  })
  const address = net.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port

  async function accepted(number = 1): Promise<ServerSide> {
    await waitFor(
      () => sides.length >= number,
      () => `for connection ${number}; there are ${sides.length}`,
    )
    const side = sides[number - 1]
    if (side === undefined) throw new RangeError(`invalid connection number ${number}: expected 1 or more`)
    return side
  }

  return { location: path === undefined ? { port } : { path }, port, sides, accepted }
}

/** One request as a server sees it. */
export interface SeenRequest {
  readonly side: ServerSide
  readonly command: number
  /** The eight digits. */
  readonly id: string
  /** As text. */
  readonly payload: string
}

const COMMAND_OFFSET = 4
const ID_OFFSET = 5
const PAYLOAD_OFFSET = 13

/** Calls `onRequest` for each request that a client sends, as soon as it is whole. */
export function watchRequests(side: ServerSide, onRequest: (request: SeenRequest) => void): void {
  watchFrames(side.socket, (frames) => {
    for (const frame of frames) {
      onRequest({
        side,
        command: frame.readUInt8(COMMAND_OFFSET),
        id: frame.toString('latin1', ID_OFFSET, PAYLOAD_OFFSET),
        payload: frame.toString('utf8', PAYLOAD_OFFSET),
      })
    }
  })
}
