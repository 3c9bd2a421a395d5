import { type MetricsEndpoint, type ServeMetricsOptions, serveMetrics } from '@demo/metrics'
import type { Config } from '../config/flags.ts'
import { listenOrExit } from './listen.ts'

/** Serves metrics and health. */
export function startMetricsEndpoint(
  { metricsHost: host, metricsPort: port }: Config,
  options: Pick<ServeMetricsOptions, 'registry' | 'ready' | 'alive'>,
): Promise<MetricsEndpoint> {
  const setting = { flag: '--metrics-port', where: { host, port } }
  return listenOrExit(setting, () => serveMetrics({ ...options, host, port }))
}
