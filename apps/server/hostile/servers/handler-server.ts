/**
 * A server with the handlers of a module, otherwise like demo-server: its log, its metrics, its way to stop.
 *
 *     handler-server.ts handlers/async.mjs '{"handlerTimeout":1000}' 10000
 */
import { createServerMetrics, serveMetrics } from '@demo/metrics'
import { createServer, type Handlers, type ServerOptions } from '@demo/server'
import { createLog, logClose } from '../../src/log.ts'
import { nextSignal, untilStopped } from '../../src/shutdown.ts'

const [module = '', options = '{}', drainTimeout = '10000'] = process.argv.slice(2)
const { default: handlers } = (await import(module)) as { default: Handlers }

const signal = nextSignal()
const log = createLog({ logLevel: 'info', logFormat: 'json' })
const observer = createServerMetrics()
const server = createServer(
  { onError() {}, ...handlers, onClose: (session, reason, error) => logClose(log, session, reason, error) },
  { ...(JSON.parse(options) as ServerOptions), observer },
)
const address = await server.listen({ port: 0 })
const metrics = await serveMetrics({ registry: observer.registry, port: 0 })
log.info({ ...address, metricsPort: metrics.address.port }, 'listening')
process.exitCode = await untilStopped({ signal, server, metrics, drainTimeout: Number(drainTimeout), log })
