import { ExitError, ExitStatus } from '@demo/cli'
import type { ServerMetrics } from '@demo/metrics'
import type { Server } from '@demo/server'
import type { Config } from '../config/flags.ts'
import { listenOrExit, listenSetting } from '../endpoints/listen.ts'
import { loadHandlers } from '../handlers/handler-module.ts'
import { untilFatalError } from '../lifecycle/fatal-errors.ts'
import { CUT_OFF } from '../lifecycle/signals.ts'
import { createLog } from '../logging/log.ts'
import { createService } from '../serving/service.ts'
import { warnOfOpenFiles } from '../serving/warn-open-files.ts'
import { AcceptGate } from './accept-gate.ts'
import { FINAL_REPORT_ID, HEARTBEAT_INTERVAL, type Report } from './messages.ts'
import { PrimaryCommands } from './primary-commands.ts'
import { SHARED_FD } from './shared-socket.ts'

/** The drain timeout without a primary and without --drain-timeout, in milliseconds: no process is left to end this one. */
const ORPHAN_DRAIN_TIMEOUT = 5000

/**
 * Serves in this process, as one of several, until the primary sends `drain`, or is gone.
 *
 * @returns the exit status
 */
export async function serveAsWorker(): Promise<number> {
  if (process.send === undefined) throw new ExitError(ExitStatus.usage, 'workers are started by --workers')
  // A signal reaches the whole process group; the primary decides when workers stop.
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  // Errors of the channel. When the primary is gone, `disconnect` reports it.
  process.on('error', () => {})
  const commands = new PrimaryCommands()
  const begin = await commands.begin
  if (begin === undefined) return ExitStatus.ok
  const { worker, config } = begin
  const log = createLog(config, worker)
  const users = await loadHandlers(config, log, commands.stop)
  if (users === undefined) return ExitStatus.ok

  const fatalError = untilFatalError(log)
  let changed: (open: number) => void = () => {}
  const service = createService(config, users, commands.secrets, log, (open) => changed(open))
  const { server, metrics } = service
  commands.onSecrets = (renewed) => service.renew(renewed)
  commands.onReportMetrics = (request) => void reportMetrics(request, server, metrics)
  changed = balance(server, commands)
  const address = await listenOrExit(listenSetting(config), () => server.listen({ fd: SHARED_FD }))
  if (worker === 1) warnOfOpenFiles(server, config, log)
  const { engine } = server
  log.debug({ ...address, engine }, 'worker listening')
  void send({ type: 'listening', engine })

  const why = await Promise.race([commands.stop, fatalError])
  if (typeof why === 'object') void send({ type: 'leaving' })
  const summary = await server.close({ timeout: drainTimeout(config, why) })
  await reportMetrics(FINAL_REPORT_ID, server, metrics)
  log.debug({ ...summary }, 'worker stopped')
  await send({ type: 'drained', summary })
  if (typeof why === 'object') return ExitStatus.failed
  return summary.cutOff === 0 ? ExitStatus.ok : CUT_OFF
}

function drainTimeout({ drainTimeout }: Config, why: unknown): number {
  return why === false && drainTimeout === 0 ? ORPHAN_DRAIN_TIMEOUT : drainTimeout
}

/**
 * Reports the number of connections to the primary: once a turn of the event loop when it changes, and at each heartbeat,
 * which shows that the loop runs. Stops and resumes accepting by the numbers of the other workers.
 *
 * @returns to be called when the number changes
 */
function balance(server: Server, commands: PrimaryCommands): (open: number) => void {
  const gate = new AcceptGate(server)
  commands.onFewest = (connections) => gate.othersHave(connections)
  let due = false
  const report = () => {
    due = false
    void send({ type: 'connections', connections: server.sessions.size })
  }
  setInterval(report, HEARTBEAT_INTERVAL).unref()
  return (open) => {
    gate.has(open)
    if (!due) setImmediate(report)
    due = true
  }
}

async function reportMetrics(request: number, { sessions }: Server, { registry }: ServerMetrics): Promise<void> {
  const metrics = await registry.getMetricsAsJSON()
  await send({ type: 'metrics', request, metrics, connections: sessions.size })
}

/** Settles when the report is written to the channel, or the primary is gone. */
function send(report: Report): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(report, undefined, undefined, () => resolve())
    else resolve()
  })
}
