/**
 * What one request costs in a session, the system left out: from the chunk to the write. It is what tells whether the
 * loop of `submit-session.ts` is still small enough to be compiled as one piece: over the compiler's budget for inlining (a
 * call more, a message put together in place) it takes twice as long.
 */
import { createPacketCodec } from '@demo/packet'
import { Bench } from 'tinybench'
import { checkOptions } from '../src/check-options.ts'
import { HandlerCaller } from '../src/handlers/handler-caller.ts'
import type { Handlers } from '../src/handlers/handlers.ts'
import { takesContext } from '../src/handlers/takes-context.ts'
import { createAckBuffer } from '../src/io/ack-outbound.ts'
import { createCounters } from '../src/observability/counters.ts'
import { type SubmitContext, SubmitSession } from '../src/session/submit-session.ts'
import { Sink } from './sink.ts'

const SESSIONS = 100
const REQUESTS = 1000
const FRAME = Buffer.from('0000002602303030303030303178787878787878787878787878787878787878787878787878', 'hex')
const chunk = Buffer.concat(Array.from({ length: REQUESTS }, () => FRAME))

function openSessions(handlers: Handlers): Sink[] {
  const options = checkOptions({ maxInFlight: REQUESTS }, false)
  const context: SubmitContext<unknown> = {
    options,
    codec: createPacketCodec(),
    handlers: new HandlerCaller(handlers),
    protocol: handlers,
    submitTakesContext: takesContext(handlers.onSubmit),
    takesContext: takesContext(handlers.onSubmit),
    ordered: false,
    counters: createCounters(),
    buffer: createAckBuffer(),
    scheduler: { admit: () => true, wake: (session) => void setImmediate(() => session.work()) },
    onClosed() {},
  }
  return Array.from({ length: SESSIONS }, (_, id) => {
    const sink = new Sink()
    new SubmitSession(id, sink, context).open()
    return sink
  })
}

let read = 0
const cases: Record<string, Handlers> = {
  'a handler that does nothing': { onSubmit() {} },
  'a handler that reads payload and id': {
    onSubmit(submit) {
      read += submit.payload.length + submit.id.length
    },
  },
  'a handler that takes its context': {
    onSubmit(submit, { session }) {
      read += submit.payloadLength + session.id
    },
  },
  'an async handler': { async onSubmit() {} },
}

const bench = new Bench({ time: 1500, warmupTime: 500 })
for (const [name, handlers] of Object.entries(cases)) {
  const sinks = openSessions(handlers)
  bench.add(name, async () => {
    for (const sink of sinks) {
      const before = sink.written
      sink.receive(chunk)
      while (sink.written < before + REQUESTS * 14) await new Promise(setImmediate)
    }
  })
}
await bench.run()
for (const { name, result } of bench.tasks) {
  const nanoseconds = ((result?.latency.mean ?? 0) * 1e6) / SESSIONS / REQUESTS
  console.log(`${name.padEnd(40)}${nanoseconds.toFixed(1).padStart(8)} ns a request`)
}
if (read === 0) throw new Error('nothing was read')
