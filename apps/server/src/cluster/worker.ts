import { ExitError, ExitStatus } from '@demo/cli'
import type { ServerMetrics } from '@demo/metrics'
import type { Server } from '@demo/server'
import type { Config } from '../flags.ts'
import { loadHandlers } from '../handler-module.ts'
import { listening, whereToListen } from '../listening.ts'
import { createLog } from '../log.ts'
import { createService } from '../service.ts'
import { CUT_OFF } from '../signals.ts'
import { warnOfOpenFiles, whenBroken } from '../trouble.ts'
import { FairShare } from './fair-share.ts'
import { BEAT, LAST_WORDS, type ToPrimary } from './messages.ts'
import { Orders } from './orders.ts'
import { SHARED_FD } from './shared-socket.ts'

/** How long a worker whose primary is gone drains where there is no limit, in milliseconds: nobody is left to end it. */
const ORPHAN_DRAIN_TIMEOUT = 5000

/**
 * Serves in this process, as one of several, until the primary says stop, or is gone.
 *
 * @returns the exit status
 */
export async function serveAsWorker(): Promise<number> {
  if (process.send === undefined) throw new ExitError(ExitStatus.usage, 'workers are started by --workers')
  // Signals reach the whole group; it is the primary that says when.
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  // A primary that is gone hears nothing, and is heard to be gone by the disconnect.
  process.on('error', () => {})
  const orders = new Orders()
  const begin = await orders.begin
  if (begin === undefined) return ExitStatus.ok
  const { worker, config } = begin
  const log = createLog(config, worker)
  const users = await loadHandlers(config, log, orders.stop)
  if (users === undefined) return ExitStatus.ok

  const broken = whenBroken(log)
  let changed: (open: number) => void = () => {}
  const service = createService(config, users, orders.secrets, log, (open) => changed(open))
  const { server, metrics } = service
  orders.onRenewed = (renewed) => service.renew(renewed)
  orders.onTell = (request) => void tellMetrics(request, server, metrics)
  changed = shareFairly(server, orders)
  const where = whereToListen(config)
  const flag = 'path' in where ? '--listen-path' : '--port'
  const address = await listening(flag, where, () => server.listen({ fd: SHARED_FD }))
  if (worker === 1) warnOfOpenFiles(server, config, log)
  log.debug({ ...address }, 'worker listening')
  void tell({ type: 'listening' })

  const why = await Promise.race([orders.stop, broken])
  if (typeof why === 'object') void tell({ type: 'leaving' })
  const summary = await server.close({ timeout: drainTimeout(config, why) })
  await tellMetrics(LAST_WORDS, server, metrics)
  log.debug({ ...summary }, 'worker stopped')
  await tell({ type: 'drained', summary })
  if (typeof why === 'object') return ExitStatus.failed
  return summary.cutOff === 0 ? ExitStatus.ok : CUT_OFF
}

function drainTimeout({ drainTimeout }: Config, why: unknown): number {
  return why === false && drainTimeout === 0 ? ORPHAN_DRAIN_TIMEOUT : drainTimeout
}

/**
 * Tells the primary how many connections there are: when it changes, once a turn of the event loop, and at each beat,
 * which says that the loop turns. Accepts by what the primary says of the others.
 *
 * @returns what is to be called when the number changes
 */
function shareFairly(server: Server, orders: Orders): (open: number) => void {
  const share = new FairShare(server)
  orders.onFewest = (connections) => share.othersHave(connections)
  let due = false
  const report = () => {
    due = false
    void tell({ type: 'connections', connections: server.sessions.size })
  }
  setInterval(report, BEAT).unref()
  return (open) => {
    share.has(open)
    if (!due) setImmediate(report)
    due = true
  }
}

async function tellMetrics(request: number, { sessions }: Server, { registry }: ServerMetrics): Promise<void> {
  const metrics = await registry.getMetricsAsJSON()
  await tell({ type: 'metrics', request, metrics, connections: sessions.size })
}

/** Settles when it is on its way. A primary that is gone hears nothing. */
function tell(message: ToPrimary): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })
}
