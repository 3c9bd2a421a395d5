/**
 * What a request costs on its way to a handler: called alone, behind middlewares, through a router, and in a thread. The
 * session is left out; see session.bench.ts.
 */
import { CommandId, createPacketCodec, type SubmitView } from '@demo/packet'
import { Bench } from 'tinybench'
import { inThreads } from '../src/handlers/threads.ts'
import { compose, type PacketMiddleware, type RequestContext, router, type Session } from '../src/index.ts'

const REQUESTS = 1000
const codec = createPacketCodec()
const bytes = codec.encode({ command: CommandId.Submit, id: '00000001', payload: new Uint8Array(26).fill(2) })
const submit = codec.decode(bytes) as SubmitView

/** Only facts are read of it. */
const session = { id: 1, remoteAddress: '127.0.0.1', authenticated: false } as Session

class Context implements RequestContext {
  readonly session = session
  readonly id = '00000001'
  readonly deadline = Number.POSITIVE_INFINITY
  readonly receivedAt = 0
  get signal(): AbortSignal {
    return new AbortController().signal
  }
}

let handled = 0
const handler = (one: SubmitView) => {
  handled += one.payloadLength
}
const through: PacketMiddleware = (_submit, _context, next) => next()
const throughAsync: PacketMiddleware = async (_submit, _context, next) => next()

const routes = Object.fromEntries(Array.from({ length: 16 }, (_, command) => [command, handler]))
const text = `data:text/javascript,export default (submit) => { if (submit.payloadLength !== 26) return 1 }`
await using threaded = await inThreads(text, { threads: 1, maxQueue: 0 })

const cases: Record<string, (submit: SubmitView, context: RequestContext) => unknown> = {
  'no middleware': handler,
  'compose, three middlewares': compose(through, through, through, handler),
  'compose, three async middlewares': compose(throughAsync, throughAsync, throughAsync, handler),
  'router, 16 commands': router(routes, { key: (one) => one.bytes[one.end - 1] ?? -1 }),
  'inThreads, one thread': threaded,
}

const bench = new Bench({ time: 1500, warmupTime: 500 })
for (const [name, run] of Object.entries(cases)) {
  bench.add(name, async () => {
    const outcomes: unknown[] = []
    for (let i = 0; i < REQUESTS; i++) {
      // A handler with one parameter gets no context, as in a server.
      const outcome = run.length === 1 ? (run as (submit: SubmitView) => unknown)(submit) : run(submit, new Context())
      if (outcome !== undefined) outcomes.push(outcome)
    }
    if (outcomes.length > 0) await Promise.all(outcomes)
  })
}
await bench.run()
for (const { name, result } of bench.tasks) {
  const nanoseconds = ((result?.latency.mean ?? 0) * 1e6) / REQUESTS
  console.log(`${name.padEnd(40)}${nanoseconds.toFixed(1).padStart(10)} ns a request`)
}
if (handled === 0) throw new Error('nothing was handled')
