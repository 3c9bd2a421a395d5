// A server with Prometheus metrics. It answers three requests, then prints some of what Prometheus would scrape.
import { connect } from '@demo/client-sim'
import { createServerMetrics, serveMetrics } from '@demo/metrics'
import { createServer } from '@demo/server'

const metrics = createServerMetrics({ version: '1.0.0' })
const server = createServer(
  {
    onSubmit: (submit) => (submit.payloadLength > 0 ? 0 : 1),
  },
  { observer: metrics },
)
const { port } = await server.listen({ port: 0 })
const endpoint = await serveMetrics({ registry: metrics.registry, port: 0 })

const client = await connect({ port })
for (const text of ['one', 'two', '']) await client.submit(new TextEncoder().encode(text))

const response = await fetch(`http://${endpoint.address.address}:${endpoint.address.port}/metrics`)
for (const line of (await response.text()).split('\n')) {
  if (/^tcp_server_(client_connected|req_recv_total|results_total)/.test(line)) console.log(line)
}

await client.close()
await server.close()
await endpoint.close()
