import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A client's own socket, and what was written to it. */
export interface ClientSocket {
  readonly socket: Socket
  /** Each `socket.write`, as hex. */
  readonly writes: string[]
}

/** Watches all sockets that connect from now to the end of the test, and what is written to them. */
export function watchClientSockets(): ClientSocket[] {
  const sockets: ClientSocket[] = []
  function created(message: unknown): void {
    const { socket } = message as { socket: Socket }
    const writes: string[] = []
    // After it has connected: connecting restores the original write.
    socket.once('connect', () => watchWrites(socket, writes))
    sockets.push({ socket, writes })
  }
  subscribe('net.client.socket', created)
  onTestFinished(() => {
    unsubscribe('net.client.socket', created)
  })
  return sockets
}

function watchWrites(socket: Socket, writes: string[]): void {
  const write = socket.write.bind(socket)
  socket.write = (bytes: Uint8Array | string, ...rest: unknown[]) => {
    writes.push(Buffer.from(bytes as Uint8Array).toString('hex'))
    const callback = rest.find((one) => typeof one === 'function') as ((error?: Error | null) => void) | undefined
    return write(bytes, callback)
  }
}
