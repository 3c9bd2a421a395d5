#!/usr/bin/env node
import { ExitError, ExitStatus, runProgram } from '@demo/cli'
import { createServerMetrics, type MetricsEndpoint, serveMetrics } from '@demo/metrics'
import { createServer, type Server, type ServerAddress, ServerOptionError } from '@demo/server'
import type { Logger } from 'pino'
import { type Config, flagOf, readConfig, serverOptions, VERSION } from './config.ts'
import { createLog, logClose } from './log.ts'
import { nextSignal, untilStopped } from './shutdown.ts'

/** Exit status: a port is taken, an address is not ours, a right is missing. */
const CANNOT_LISTEN = 3

await runProgram('demo-server', async () => {
  const config = await readConfig(process.argv)
  const signal = nextSignal()
  const log = createLog(config)
  const observer = createServerMetrics({ version: VERSION })
  const server = build(config, log, observer)

  const address = await listening('--port', config.host, config.port, () => server.listen(config))
  const metrics = await startMetrics(config, observer.registry, server)
  if (server.maxConnections < config.maxConnections) {
    log.warn({ maxConnections: server.maxConnections }, 'the limit of open files allows fewer connections')
  }
  log.info({ ...address, metricsAddress: metrics.address.address, metricsPort: metrics.address.port }, 'listening')

  process.on('uncaughtException', (error) => {
    log.fatal({ error: error.stack }, 'unexpected error')
    process.exit(ExitStatus.failed)
  })
  return await untilStopped({ signal, server, metrics, drainTimeout: config.drainTimeout, log })
})

function build(config: Config, log: Logger, observer: ReturnType<typeof createServerMetrics>): Server {
  try {
    return createServer(
      {
        onSubmit() {},
        onOpen: (session) =>
          log.debug({ session: session.id, remoteAddress: session.remoteAddress }, 'connection opened'),
        onClose: (session, reason, error) => logClose(log, session, reason, error),
        onError: (error, session) => log.error({ session: session.id, error: String(error) }, 'a handler failed'),
      },
      { ...serverOptions(config), observer },
    )
  } catch (error) {
    if (!(error instanceof ServerOptionError)) throw error
    throw new ExitError(ExitStatus.usage, `${flagOf(error.option)}: it must be ${error.allowed}, and is ${error.value}`)
  }
}

async function startMetrics(
  config: Config,
  registry: ReturnType<typeof createServerMetrics>['registry'],
  server: Server,
): Promise<MetricsEndpoint> {
  const { metricsHost: host, metricsPort: port } = config
  try {
    return await listening('--metrics-port', host, port, () => serveMetrics({ registry, host, port }))
  } catch (error) {
    await server.close()
    throw error
  }
}

/** @throws ExitError with one line that says which address can't be had, and why */
async function listening<Endpoint extends ServerAddress | MetricsEndpoint>(
  flag: string,
  host: string,
  port: number,
  listen: () => Promise<Endpoint>,
): Promise<Endpoint> {
  try {
    return await listen()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? `the port is taken; choose another with ${flag}` : message
    throw new ExitError(CANNOT_LISTEN, `can't listen on ${host}:${port}: ${why}`)
  }
}
