import cluster from 'node:cluster'
import { ExitStatus } from '@demo/cli'
import { startEndpoint } from './endpoint.ts'
import type { Config } from './flags.ts'
import { loadHandlers } from './handler-module.ts'
import { listening, whereToListen } from './listening.ts'
import { createLog } from './log.ts'
import { SecretFiles } from './secrets.ts'
import { createService, type Service } from './service.ts'
import { StopSignal } from './signals.ts'
import { claimPath } from './socket-path.ts'
import { type Stoppable, stop } from './stopping.ts'
import { warnOfOpenFiles, whenBroken } from './trouble.ts'

/** A process that is told to stop before it has opened anything. */
const NOTHING_OPEN: Stoppable = {
  connections: () => 0,
  announce() {},
  drain: async () => ({ connections: 0, cutOff: 0, unanswered: 0, duration: 0 }),
  abandon() {},
}

/**
 * Serves in this process until it is told to stop.
 *
 * @returns the exit status
 */
export async function serveAlone(config: Config): Promise<number> {
  const signal = new StopSignal()
  const log = createLog(config)
  if (cluster.isWorker)
    log.warn('node:cluster started this process: others share its ports, the one of the metrics too')
  const files = new SecretFiles(config, log)
  let service: Service | undefined
  process.on('SIGHUP', () => {
    const renewed = files.reload()
    service?.renew(renewed)
  })
  const users = await loadHandlers(config, log, signal.received)
  if (users === undefined) return stop(NOTHING_OPEN, signal, { signal: signal.name }, 0, log)
  const broken = whenBroken(log)
  service = createService(config, users, files.secrets, log)
  const { server, metrics } = service
  let ready: true | string = 'starting'

  const where = whereToListen(config)
  const release = 'path' in where ? await claimPath(where.path) : undefined
  if (signal.name !== undefined) return stop(NOTHING_OPEN, signal, { signal: signal.name }, 0, log)
  const endpoint = await startEndpoint(config, { registry: metrics.registry, ready: () => ready })
  if (signal.name !== undefined) {
    await endpoint.close()
    return stop(NOTHING_OPEN, signal, { signal: signal.name }, 0, log)
  }
  const address = await listening('path' in where ? '--listen-path' : '--port', where, () => server.listen(where))
  release?.()
  ready = true
  warnOfOpenFiles(server, config, log)
  log.info({ ...address, metricsAddress: endpoint.address.address, metricsPort: endpoint.address.port }, 'listening')

  const why = await Promise.race([signal.received.then((name) => ({ signal: name })), broken])
  const status = await stop(
    {
      connections: () => server.sessions.size,
      announce() {
        ready = 'draining'
      },
      drain: () => server.close({ timeout: config.drainTimeout }),
      abandon() {},
    },
    signal,
    why,
    config.drainDelay,
    log,
  )
  await endpoint.close()
  return status === 0 && 'error' in why ? ExitStatus.failed : status
}
