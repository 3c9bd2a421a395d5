import type { Socket } from 'node:net'

/** The part of a socket's handle that says whether the system is asked for more. */
interface Handle {
  readStop?(): unknown
  readStart?(): unknown
}

/** How long tiny pieces are left to gather in the system, in milliseconds. */
const REST = 5

/**
 * Asks the system for no more of a socket for 5 ms. To pause the socket would not do: Node goes on reading until its own
 * buffer is full, each piece at the price of a large one. Its handle has no public name; where it has not what is needed,
 * nothing happens.
 */
export function restReading(socket: Socket): void {
  const handle = handleOf(socket)
  if (handle?.readStop === undefined) return
  handle.readStop()
  setTimeout(() => handleOf(socket)?.readStart?.(), REST).unref()
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as { _handle?: Handle | null })._handle
}
