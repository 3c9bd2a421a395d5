/**
 * A server like demo-server, metrics included, with the handlers that the benchmark asks for by name; `reuse` after it reads
 * all connections into one buffer.
 */
import { createServerMetrics } from '@demo/metrics'
import { createServer, type Handlers } from '@demo/server'

let read = 0
let burnt = 1
/** Steps of a loop, a nanosecond or so each, that `burning` takes for each request. */
const steps = Number(process.argv[3] ?? 0) || 0
const reuseReadBuffer = process.argv.includes('reuse')
const HANDLERS: Record<string, Handlers> = {
  nothing: { onSubmit(_submit) {} },
  reading: {
    onSubmit(submit) {
      read += submit.payload.length + submit.id.length
    },
  },
  async: { async onSubmit(_submit) {} },
  burning: {
    onSubmit(_submit) {
      let value = burnt
      for (let i = 0; i < steps; i += 1) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0
      burnt = value
    },
  },
}

const server = createServer(HANDLERS[process.argv[2]], { reuseReadBuffer, observer: createServerMetrics() })
const address = await server.listen({ port: 0 })
process.stderr.write(`${JSON.stringify({ msg: 'listening', ...address, read, burnt })}\n`)
process.once('SIGTERM', () => void server.close())
