import { type MetricsEndpoint, type ServeMetricsOptions, serveMetrics } from '@demo/metrics'
import type { Config } from './flags.ts'
import { listening } from './listening.ts'

/** Serves metrics and health. */
export function startEndpoint(
  { metricsHost: host, metricsPort: port }: Config,
  options: Pick<ServeMetricsOptions, 'registry' | 'ready' | 'alive'>,
): Promise<MetricsEndpoint> {
  return listening('--metrics-port', { host, port }, () => serveMetrics({ ...options, host, port }))
}
