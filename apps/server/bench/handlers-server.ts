/**
 * A server like demo-server, with metrics, and with the handlers that the first argument names. With the argument `reuse` it
 * reads all connections into one buffer.
 */
import { createServerMetrics } from '@demo/metrics'
import { createServer, type Handlers } from '@demo/server'

const [, , name = '', loopSteps = '0'] = process.argv

let read = 0
let burnt = 1
/** Steps of a loop in `burning`, for each request. A step takes about a nanosecond. */
const steps = Number(loopSteps) || 0
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

const handlers = HANDLERS[name]
if (handlers === undefined) throw new Error(`invalid handlers '${name}': expected ${Object.keys(HANDLERS).join(', ')}`)
const server = createServer(handlers, { reuseReadBuffer, observer: createServerMetrics() })
const address = await server.listen({ port: 0 })
process.stderr.write(`${JSON.stringify({ msg: 'listening', ...address, read, burnt })}\n`)
process.once('SIGTERM', () => void server.close())
