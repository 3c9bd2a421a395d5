/** A server like demo-server, metrics included, with the handlers that the benchmark asks for by name. */
import { createServerMetrics } from '@demo/metrics'
import { createServer, type Handlers } from '@demo/server'

let read = 0
const HANDLERS: Record<string, Handlers> = {
  reading: {
    onSubmit(submit) {
      read += submit.payload.length + submit.id.length
    },
  },
  async: { async onSubmit() {} },
}

const server = createServer(HANDLERS[process.argv[2]], { observer: createServerMetrics() })
const address = await server.listen({ port: 0 })
process.stderr.write(`${JSON.stringify({ msg: 'listening', ...address, read })}\n`)
process.once('SIGTERM', () => void server.close())
