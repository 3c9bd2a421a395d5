import { ExitError } from '@demo/cli'
import type { Logger } from 'pino'
import { startEndpoint } from '../endpoint.ts'
import type { Config } from '../flags.ts'
import { listening, whereToListen } from '../listening.ts'
import { createLog } from '../log.ts'
import { SecretFiles } from '../secrets.ts'
import { StopSignal } from '../signals.ts'
import { claimPath } from '../socket-path.ts'
import { stop } from '../stopping.ts'
import { GatheredMetrics } from './gathered-metrics.ts'
import { SharedSocket } from './shared-socket.ts'
import { type GaveUp, Workers } from './workers.ts'

/**
 * Serves in several processes that share the port, until it is told to stop. This one only keeps them alive, and tells
 * their metrics as if they were one.
 *
 * @returns the exit status
 */
export async function serveWithWorkers(config: Config): Promise<number> {
  const signal = new StopSignal()
  const log = createLog(config)
  const files = new SecretFiles(config, log)
  const where = whereToListen(config)
  const release = 'path' in where ? await claimPath(where.path) : undefined
  const socket = await listening('path' in where ? '--listen-path' : '--port', where, () => SharedSocket.bind(where))
  release?.()
  try {
    return await serveOn(socket, config, signal, files, log)
  } finally {
    // The path of a Unix socket goes with it.
    socket.close()
  }
}

async function serveOn(
  socket: SharedSocket,
  config: Config,
  signal: StopSignal,
  files: SecretFiles,
  log: Logger,
): Promise<number> {
  let giveUp: (why: GaveUp) => void = () => {}
  const gaveUp = new Promise<GaveUp>((resolve) => {
    giveUp = resolve
  })
  const workers = new Workers(config, files, log, socket, {
    departed: (last) => metrics.departed(last),
    replaced: () => metrics.replaced(),
    gaveUp: (why) => giveUp(why),
  })
  const metrics = new GatheredMetrics(
    () => workers.metrics(),
    () => workers.listening,
  )
  process.on('SIGHUP', () => workers.reload())
  let notReady: string | undefined = 'starting'
  const ready = () => {
    if (notReady !== undefined) return notReady
    return workers.listening === config.workers || `${workers.listening} of ${config.workers} workers listen`
  }

  const endpoint = await startEndpoint(config, { registry: metrics, ready, alive: () => workers.living })
  const stopped = signal.received.then((name) => ({ signal: name }))
  const all = workers.start().then(() => ({ ...socket.address, workers: config.workers }))
  const started = await Promise.race([stopped, gaveUp, all])
  if ('why' in started) {
    // Those that are still starting would find nobody to talk to.
    workers.kill()
    throw new ExitError(started.status, started.status > 1 ? '' : started.why)
  }
  if (!('signal' in started)) {
    notReady = undefined
    const { address, port } = endpoint.address
    log.info({ ...started, metricsAddress: address, metricsPort: port }, 'listening')
  }

  const why = await Promise.race([stopped, gaveUp])
  if ('why' in why) log.fatal(why, 'workers keep dying')
  const status = await stop(
    {
      connections: () => workers.connections,
      announce() {
        notReady = 'draining'
      },
      drain: () => workers.drain(),
      abandon: () => workers.kill(),
    },
    signal,
    why,
    // Who has not listened yet is known to nobody.
    'signal' in started ? 0 : config.drainDelay,
    log,
  )
  await endpoint.close()
  return 'why' in why ? why.status : status
}
