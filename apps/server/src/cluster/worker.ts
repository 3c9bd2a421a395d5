import cluster from 'node:cluster'
import { ExitStatus } from '@demo/cli'
import type { ServerMetrics } from '@demo/metrics'
import type { Server } from '@demo/server'
import type { Config } from '../flags.ts'
import { loadHandlers } from '../handler-module.ts'
import { listening, whereToListen } from '../listening.ts'
import { createLog } from '../log.ts'
import { createService } from '../service.ts'
import { CUT_OFF } from '../stopping.ts'
import { warnOfOpenFiles, whenBroken } from '../trouble.ts'
import { EntrustedSecrets } from './entrusted-secrets.ts'
import { LAST_WORDS, type ToPrimary, type ToWorker } from './messages.ts'

/** The variable that hands a worker its number and the configuration. */
export const HANDED_OVER = 'DEMO_SERVER_WORKER'

/** How often a worker tells how many connections it has, in milliseconds. */
const CENSUS_INTERVAL = 1000

/** What a worker is handed over. */
export interface HandedOver {
  readonly worker: number
  readonly config: Config
}

/** What this process is handed over, if it is a worker. */
export function handedOver(): HandedOver | undefined {
  const json = process.env[HANDED_OVER]
  // What a handler starts is no worker.
  delete process.env[HANDED_OVER]
  return json === undefined || !cluster.isWorker ? undefined : (JSON.parse(json) as HandedOver)
}

/**
 * Serves in this process, as one of several, until the primary says stop, or is gone.
 *
 * @returns the exit status
 */
export async function serveAsWorker({ worker, config }: HandedOver): Promise<number> {
  // Signals reach the whole group; it is the primary that says when.
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  const told = new Promise<undefined>((resolve) => {
    process.on('message', (order: ToWorker) => order.type === 'drain' && resolve(undefined))
    process.on('disconnect', () => resolve(undefined))
  })
  // Or Node ends this process in the moment in which the primary is gone, whatever it has in hand.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
  // A primary that is gone hears nothing, and is heard to be gone by the disconnect.
  process.on('error', () => {})
  const log = createLog(config, worker)
  const entrusted = new EntrustedSecrets()
  tell({ type: 'started' })
  const users = await loadHandlers(config, log)
  const broken = whenBroken(log)
  if (!(await entrusted.arrived)) return ExitStatus.ok
  const { server, metrics, renew } = createService(config, users, entrusted.secrets, log)
  entrusted.onRenewed = renew
  const where = whereToListen(config)
  const listens = listening('path' in where ? '--listen-path' : '--port', where, () => server.listen(where))
  const address = await Promise.race([listens, told])

  let why: { error: string } | undefined
  if (address !== undefined) {
    process.on('message', (order: ToWorker) => {
      if (order.type === 'tell') void tellMetrics(order.request, server, metrics)
    })
    if (worker === 1) warnOfOpenFiles(server, config, log)
    log.debug({ ...address }, 'worker listening')
    tell({ type: 'listening', address })
    tellConnections(server)
    why = await Promise.race([told, broken])
  }
  const summary = await server.close({ timeout: config.drainTimeout })
  await tellMetrics(LAST_WORDS, server, metrics)
  tell({ type: 'drained', summary })
  log.debug({ ...summary }, 'worker stopped')
  if (why !== undefined) return ExitStatus.failed
  return summary.cutOff === 0 ? ExitStatus.ok : CUT_OFF
}

/** Now and then, so that the primary knows it also when this worker is stuck, and can't be asked. */
function tellConnections({ sessions }: Server): void {
  let told = 0
  const look = () => {
    if (sessions.size !== told) tell({ type: 'connections', connections: sessions.size })
    told = sessions.size
  }
  setInterval(look, CENSUS_INTERVAL).unref()
}

async function tellMetrics(request: number, { sessions }: Server, { registry }: ServerMetrics): Promise<void> {
  const metrics = await registry.getMetricsAsJSON()
  tell({ type: 'metrics', request, metrics, connections: sessions.size })
}

/** A primary that is gone hears nothing. */
function tell(message: ToPrimary): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}
