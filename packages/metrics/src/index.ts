export { createServerMetrics } from './metrics.ts'
export { serveMetrics } from './http.ts'
export type { ServerMetrics, ServerMetricsOptions } from './metrics.ts'
export type { MetricsEndpoint, ServeMetricsOptions } from './http.ts'
