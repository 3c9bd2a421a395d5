import { ExitError } from '@demo/cli'
import { startEndpoint } from '../endpoint.ts'
import type { Config } from '../flags.ts'
import { whereToListen } from '../listening.ts'
import { createLog } from '../log.ts'
import { SecretFiles } from '../secrets.ts'
import { nextStopSignal } from '../signals.ts'
import { claimPath } from '../socket-path.ts'
import { stop } from '../stopping.ts'
import { warnWhenFull } from './full-primary.ts'
import { GatheredMetrics } from './gathered-metrics.ts'
import { type GaveUp, Workers } from './workers.ts'

/**
 * Serves in several processes that share the port, until it is told to stop. This one only keeps them alive, and tells
 * their metrics as if they were one.
 *
 * @returns the exit status
 */
export async function serveWithWorkers(config: Config): Promise<number> {
  const signal = nextStopSignal()
  const log = createLog(config)
  let giveUp: (why: GaveUp) => void = () => {}
  const gaveUp = new Promise<GaveUp>((resolve) => {
    giveUp = resolve
  })
  const metrics: GatheredMetrics = new GatheredMetrics(
    () => workers.metrics(),
    () => workers.listening,
  )
  const files = new SecretFiles(config, log)
  const workers = new Workers(config, files, log, {
    departed: (last) => metrics.departed(last),
    replaced: () => metrics.replaced(),
    gaveUp: (why) => giveUp(why),
  })
  process.on('SIGHUP', () => workers.reload())
  warnWhenFull(log)
  let draining = false
  const ready = () => {
    if (draining) return 'draining'
    return workers.listening === config.workers || `${workers.listening} of ${config.workers} workers listen`
  }

  const where = whereToListen(config)
  const release = 'path' in where ? await claimPath(where.path) : undefined
  const endpoint = await startEndpoint(config, { registry: metrics, ready })
  const started = await Promise.race([workers.start(), gaveUp])
  if ('why' in started) {
    // Those that are still starting would find nobody to talk to.
    workers.kill()
    throw new ExitError(started.status, started.status > 1 ? '' : started.why)
  }
  release?.()
  const { address, port } = endpoint.address
  log.info({ ...started, workers: config.workers, metricsAddress: address, metricsPort: port }, 'listening')

  const why = await Promise.race([signal.then((name) => ({ signal: name })), gaveUp])
  if ('why' in why) log.fatal(why, 'workers keep dying')
  const status = await stop(
    {
      connections: () => workers.connections,
      announce() {
        draining = true
      },
      drain: () => workers.drain(),
      abandon: () => workers.kill(),
    },
    why,
    config,
    log,
  )
  await endpoint.close()
  return 'why' in why ? why.status : status
}
