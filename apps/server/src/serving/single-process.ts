import cluster from 'node:cluster'
import { ExitStatus } from '@demo/cli'
import type { Config } from '../config/flags.ts'
import { listenOrExit, listenSetting } from '../endpoints/listen.ts'
import { startMetricsEndpoint } from '../endpoints/metrics-endpoint.ts'
import { claimPath } from '../endpoints/socket-path.ts'
import { loadHandlers } from '../handlers/handler-module.ts'
import { untilFatalError } from '../lifecycle/fatal-errors.ts'
import { NOTHING_OPEN, shutDown } from '../lifecycle/shutdown.ts'
import { StopSignal } from '../lifecycle/signals.ts'
import { createLog } from '../logging/log.ts'
import { SecretFiles } from '../secrets/secret-files.ts'
import { createService, type Service } from './service.ts'
import { warnOfOpenFiles } from './warn-open-files.ts'

/**
 * Serves in this process until a signal or a fatal error.
 *
 * @returns the exit status
 */
export async function serveInSingleProcess(config: Config): Promise<number> {
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
  const stopEarly = () => shutDown(NOTHING_OPEN, signal, { signal: signal.name }, 0, log)
  const users = await loadHandlers(config, log, signal.received)
  if (users === undefined) return stopEarly()
  const fatalError = untilFatalError(log)
  service = createService(config, users, files.secrets, log)
  const { server, metrics } = service
  let ready: true | string = 'starting'

  const setting = listenSetting(config)
  const { where } = setting
  const release = 'path' in where ? await claimPath(where.path) : undefined
  if (signal.name !== undefined) return stopEarly()
  const endpoint = await startMetricsEndpoint(config, { registry: metrics.registry, ready: () => ready })
  if (signal.name !== undefined) {
    await endpoint.close()
    return stopEarly()
  }
  const address = await listenOrExit(setting, () => server.listen(where))
  release?.()
  ready = true
  warnOfOpenFiles(server, config, log)
  const { engine } = server
  const { address: metricsAddress, port: metricsPort } = endpoint.address
  log.info({ ...address, engine, metricsAddress, metricsPort }, 'listening')

  const why = await Promise.race([signal.received.then((name) => ({ signal: name })), fatalError])
  const status = await shutDown(
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
