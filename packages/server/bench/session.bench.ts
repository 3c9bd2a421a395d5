/**
 * What one request costs in a session, the system left out: from the chunk to the write. It is what tells whether the
 * loop of `tcp-session.ts` is still small enough to be compiled as one piece: over the compiler's budget for inlining (a
 * call more, a message put together in place) it takes twice as long.
 */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { createPacketCodec } from '@demo/packet'
import { Bench } from 'tinybench'
import { createCounters } from '../src/counters.ts'
import { HandlerCaller, type Handlers } from '../src/handlers.ts'
import { checkOptions } from '../src/options.ts'
import { Scratch } from '../src/outbound.ts'
import { ReadBuffer } from '../src/read-buffer.ts'
import { TcpSession } from '../src/tcp-session.ts'

const SESSIONS = 100
const REQUESTS = 1000
const FRAME = Buffer.from('0000002602303030303030303178787878787878787878787878787878787878787878787878', 'hex')
const chunk = Buffer.concat(Array.from({ length: REQUESTS }, () => FRAME))

/** A socket that takes everything at once. */
class Sink extends EventEmitter {
  readonly writableLength = 0
  written = 0
  write(bytes: Uint8Array): boolean {
    this.written += bytes.length
    return true
  }
  pause(): void {}
  resume(): void {}
}

function openSessions(handlers: Handlers): Sink[] {
  const caller = new HandlerCaller(handlers)
  const context = {
    options: checkOptions({ maxInFlight: REQUESTS }, false),
    codec: createPacketCodec(),
    handlers: caller,
    counters: createCounters(),
    scratch: new Scratch(),
    readBuffer: new ReadBuffer(false),
    turns: { rest: () => true, wake: (session: { work(): void }) => void setImmediate(() => session.work()) },
    forget() {},
  }
  return Array.from({ length: SESSIONS }, (_, id) => {
    const sink = new Sink()
    new TcpSession(id, sink as unknown as Socket, context).open()
    return sink
  })
}

let read = 0
const cases: Record<string, Handlers> = {
  'a handler that does nothing': { onSubmit(_submit) {} },
  'a handler that reads payload and id': {
    onSubmit(submit) {
      read += submit.payload.length + submit.id.length
    },
  },
  'an async handler': { async onSubmit(_submit) {} },
  'a handler that takes a context': { onSubmit(_submit, _context) {} },
  'an async handler that takes a context': { async onSubmit(_submit, _context) {} },
}

const bench = new Bench({ time: 1500, warmupTime: 500 })
for (const [name, handlers] of Object.entries(cases)) {
  const sinks = openSessions(handlers)
  bench.add(name, async () => {
    for (const sink of sinks) {
      const before = sink.written
      sink.emit('data', chunk)
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
