import type { Server } from 'node:net'

/** What libuv has of a listening socket. Node shows it as `_handle`. */
interface ListeningHandle {
  readStart(): number
  readStop(): number
  listen(backlog: number): number
}

/**
 * Stops accepting, and goes on listening: connections wait in the system's queue, where other processes that listen on
 * the same descriptor find them. Node has no function for this. The end of a read stops the polling of a handle, and a
 * handle that was opened from a descriptor can be read, as far as libuv knows.
 *
 * @returns whether it could; if not, nothing has changed
 */
export function pauseAccepting(net: Server): boolean {
  const handle = handleOf(net)
  if (handle === undefined || handle.readStart() !== 0) return false
  return handle.readStop() === 0
}

/** Accepts again after {@link pauseAccepting}. */
export function resumeAccepting(net: Server, backlog: number): void {
  handleOf(net)?.listen(backlog)
}

function handleOf(net: Server): ListeningHandle | undefined {
  return (net as { readonly _handle?: ListeningHandle | null })._handle ?? undefined
}
