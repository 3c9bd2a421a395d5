import { ExitStatus } from '@demo/cli'
import { startEndpoint } from './endpoint.ts'
import type { Config } from './flags.ts'
import { clearPath, listening, whereToListen } from './listening.ts'
import { createLog } from './log.ts'
import { createService } from './service.ts'
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
  let reload = () => {}
  process.on('SIGHUP', () => reload())
  const service = await createService(config, log)
  const { server, metrics } = service
  let ready: true | string = 'starting'

  const where = whereToListen(config)
  if ('path' in where) await clearPath(where.path)
  const endpoint = await startEndpoint(config, { registry: metrics.registry, ready: () => ready })
  const address = await listening('path' in where ? '--listen-path' : '--port', where, () => server.listen(where))
  ready = true
  reload = service.reload
  const broken = whenBroken(log)
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
