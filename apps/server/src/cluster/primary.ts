import { ExitError } from '@demo/cli'
import type { Logger } from 'pino'
import type { Config } from '../config/flags.ts'
import { listenOrExit, listenSetting } from '../endpoints/listen.ts'
import { startMetricsEndpoint } from '../endpoints/metrics-endpoint.ts'
import { claimPath } from '../endpoints/socket-path.ts'
import { shutDown } from '../lifecycle/shutdown.ts'
import { StopSignal } from '../lifecycle/signals.ts'
import { createLog } from '../logging/log.ts'
import { SecretFiles } from '../secrets/secret-files.ts'
import { AggregatedMetrics } from './aggregated-metrics.ts'
import { SharedSocket } from './shared-socket.ts'
import { type GaveUp, Workers } from './workers.ts'

/**
 * Serves in several processes that share the port, until a signal. This process starts and replaces them, and serves their
 * metrics as if they were one process.
 *
 * @returns the exit status
 */
export async function serveWithWorkers(config: Config): Promise<number> {
  const signal = new StopSignal()
  const log = createLog(config)
  const files = new SecretFiles(config, log)
  const setting = listenSetting(config)
  const { where } = setting
  const release = 'path' in where ? await claimPath(where.path) : undefined
  const socket = await listenOrExit(setting, () => SharedSocket.bind(where))
  release?.()
  try {
    return await serveOn(socket, config, signal, files, log)
  } finally {
    // Removes the file of a Unix socket.
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
  const metrics = new AggregatedMetrics(
    () => workers.metrics(),
    () => workers.listening,
  )
  process.on('SIGHUP', () => workers.reload())
  let notReady: string | undefined = 'starting'
  const ready = () => {
    if (notReady !== undefined) return notReady
    return workers.listening === config.workers || `${workers.listening} of ${config.workers} workers listen`
  }

  const endpoint = await startMetricsEndpoint(config, { registry: metrics, ready, alive: () => workers.living })
  const stopped = signal.received.then((name) => ({ signal: name }))
  const all = workers.start().then(() => ({ ...socket.address, engine: workers.engine, workers: config.workers }))
  const started = await Promise.race([stopped, gaveUp, all])
  if ('why' in started) {
    // Those that still start would outlive this process for a while.
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
  const status = await shutDown(
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
    // Before the first `listening`, no load balancer sends connections.
    'signal' in started ? 0 : config.drainDelay,
    log,
  )
  await endpoint.close()
  return 'why' in why ? why.status : status
}
