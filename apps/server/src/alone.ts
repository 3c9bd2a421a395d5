import { ExitStatus } from '@demo/cli'
import { startEndpoint } from './endpoint.ts'
import type { Config } from './flags.ts'
import { loadHandlers } from './handler-module.ts'
import { clearPath, listening, whereToListen } from './listening.ts'
import { createLog } from './log.ts'
import { SecretFiles } from './secrets.ts'
import { createService, type Service } from './service.ts'
import { nextStopSignal } from './signals.ts'
import { stop } from './stopping.ts'
import { warnOfOpenFiles, whenBroken } from './trouble.ts'

/**
 * Serves in this process until it is told to stop.
 *
 * @returns the exit status
 */
export async function serveAlone(config: Config): Promise<number> {
  const signal = nextStopSignal()
  const log = createLog(config)
  const files = new SecretFiles(config, log)
  let service: Service | undefined
  process.on('SIGHUP', () => {
    const renewed = files.reload()
    service?.renew(renewed)
  })
  const users = await loadHandlers(config, log)
  const broken = whenBroken(log)
  service = createService(config, users, files.secrets, log)
  const { server, metrics } = service
  let ready: true | string = 'starting'

  const where = whereToListen(config)
  if ('path' in where) await clearPath(where.path)
  const endpoint = await startEndpoint(config, { registry: metrics.registry, ready: () => ready })
  const address = await listening('path' in where ? '--listen-path' : '--port', where, () => server.listen(where))
  ready = true
  warnOfOpenFiles(server, config, log)
  log.info({ ...address, metricsAddress: endpoint.address.address, metricsPort: endpoint.address.port }, 'listening')

  const why = await Promise.race([signal.then((name) => ({ signal: name })), broken])
  const status = await stop(
    {
      connections: () => server.sessions.size,
      announce() {
        ready = 'draining'
      },
      drain: () => server.close({ timeout: config.drainTimeout }),
      abandon() {},
    },
    why,
    config,
    log,
  )
  await endpoint.close()
  return status === 0 && 'error' in why ? ExitStatus.failed : status
}
