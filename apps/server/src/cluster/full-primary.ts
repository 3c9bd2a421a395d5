import { createHook } from 'node:async_hooks'
import cluster from 'node:cluster'
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { createServer } from '@demo/server'
import type { Logger } from 'pino'

/** At most one warning in this time, in milliseconds. */
const WARNING_INTERVAL = 1000

/** What Node calls a handle that listens. */
const LISTENERS: ReadonlySet<string> = new Set(['TCPSERVERWRAP', 'PIPESERVERWRAP'])

/** A handle that listens, as far as it is listened in on. */
interface Listener {
  onconnection?: (error: number, connection: { readonly fd?: number } | undefined) => void
}

/**
 * Warns when the primary, which accepts for all workers, has no file left for another connection. The system's library
 * (libuv) then accepts and closes what comes, with a descriptor that it keeps for this, and tells nobody: neither how many
 * nor that it does. So the last connection that was accepted before is the sign.
 */
export function warnWhenFull(log: Logger): void {
  // The limit of open files, less what is no connection: before that there is nothing to look for.
  const { maxConnections: few } = createServer({ onSubmit() {} }, { maxConnections: 0 })
  let warnedAt = Number.NEGATIVE_INFINITY
  watchAccepts((fd) => {
    const now = performance.now()
    if (fd < few || now - warnedAt < WARNING_INTERVAL || !noFileLeft()) return
    warnedAt = now
    log.warn('no file left to accept connections with: some are closed unseen')
  })
}

/**
 * Tells the descriptor of each connection that node:cluster accepts. Nothing public does: so the handle is seen by a hook
 * when it is made, and listened in on. If Node makes it otherwise some day, nothing is told, and nothing else changes.
 */
function watchAccepts(accepted: (fd: number) => void): void {
  const made: Listener[] = []
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (LISTENERS.has(type)) made.push(resource as Listener)
    },
  })
  // It is made when the first worker asks for it: the hook costs nothing after that.
  cluster.on('fork', () => hook.enable())
  cluster.on('listening', () => {
    hook.disable()
    for (const listener of made.splice(0)) listenIn(listener, accepted)
  })
}

function listenIn(listener: Listener, accepted: (fd: number) => void): void {
  const { onconnection } = listener
  if (typeof onconnection !== 'function') return
  listener.onconnection = (error, connection) => {
    if (connection?.fd !== undefined) accepted(connection.fd)
    onconnection.call(listener, error, connection)
  }
}

function noFileLeft(): boolean {
  try {
    closeSync(openSync(devNull, 'r'))
    return false
  } catch {
    return true
  }
}
