import type { Server } from 'node:net'

/** libuv's handle of a listening socket. Node keeps it in `_handle`. */
interface ListeningHandle {
  readStart(): number
  readStop(): number
  listen(backlog: number): number
}

/**
 * Stops accepting, and still listens: connections wait in the system's queue, where other processes that listen on the same
 * descriptor accept them. Node has no function for this. Stopping a read stops the polling of a handle, and libuv lets a
 * handle be read that was opened from a descriptor.
 *
 * @returns whether it stopped; if not, nothing has changed
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
