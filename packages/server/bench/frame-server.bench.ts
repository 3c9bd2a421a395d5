/**
 * What one request costs in a user's protocol, beside the built-in one, with the same payload: frames with a little-endian
 * length of three bytes, and a JSON reply. First in sessions without sockets, from the chunk to the write; then over a
 * socket on this machine, with 1 and with 64 requests in flight, where the client is another process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { lengthPrefixed } from '@demo/frame'
import { createPacketCodec } from '@demo/packet'
import { checkCommonOptions, checkOptions } from '../src/check-options.ts'
import { createFrameServer, type FrameServerHandlers } from '../src/create-frame-server.ts'
import { createServer } from '../src/create-server.ts'
import { HandlerCaller } from '../src/handlers/handler-caller.ts'
import type { Handlers } from '../src/handlers/handlers.ts'
import { createAckBuffer } from '../src/io/ack-outbound.ts'
import { createMessageBuffer } from '../src/io/message-outbound.ts'
import { createCounters } from '../src/observability/counters.ts'
import type { ServedSession } from '../src/server.ts'
import { CheckedCodec, type MessageCodec } from '../src/session/message-codec.ts'
import { MessageSession } from '../src/session/message-session.ts'
import { SubmitSession } from '../src/session/submit-session.ts'
import type { Connection } from '../src/transport/connection.ts'
import { Sink } from './sink.ts'

const SESSIONS = 100
const REQUESTS = 1000
const PAYLOAD = '02303030303030303178787878787878787878787878787878787878787878787878'

interface Protocol {
  readonly request: Buffer
  readonly replyLength: number
  createSession(id: number, connection: Connection): ServedSession
  serve(): Promise<{ readonly port: number; close(): Promise<unknown> }>
}

const common = {
  takesContext: false,
  ordered: false,
  scheduler: { admit: () => true, wake: (session: { work(): void }) => void setImmediate(() => session.work()) },
  onClosed() {},
}

function builtIn(handlers: Handlers): Protocol {
  const context = {
    ...common,
    options: checkOptions({ maxInFlight: REQUESTS }, false),
    codec: createPacketCodec(),
    handlers: new HandlerCaller(handlers),
    protocol: handlers,
    submitTakesContext: false,
    counters: createCounters(),
    buffer: createAckBuffer(),
  }
  return {
    request: Buffer.from(`00000026${PAYLOAD}`, 'hex'),
    replyLength: 14,
    createSession: (id, connection) => new SubmitSession(id, connection, context),
    serve: () => listen(createServer(handlers)),
  }
}

function ownProtocol(encode: (reply: { ok: boolean }) => Uint8Array): Protocol {
  const codec: MessageCodec<Uint8Array, { ok: boolean }> = {
    frames: lengthPrefixed({ lengthBytes: 3, endian: 'little' }),
    decode: (bytes, start, end) => bytes.subarray(start, end),
    encode,
  }
  const handlers: FrameServerHandlers<Uint8Array, { ok: boolean }> = { codec, onMessage: (_message) => ({ ok: true }) }
  const context = {
    ...common,
    ordered: true,
    options: checkCommonOptions({ maxInFlight: REQUESTS }),
    codec: new CheckedCodec(codec),
    decoderOptions: {},
    handlers: new HandlerCaller(handlers),
    protocol: handlers,
    messageTakesContext: false,
    counters: createCounters(),
    buffer: createMessageBuffer(),
  }
  return {
    request: Buffer.from(`220000${PAYLOAD}`, 'hex'),
    replyLength: 3 + '{"ok":true}'.length,
    createSession: (id, connection) => new MessageSession(id, connection, context),
    serve: () => listen(createFrameServer(handlers)),
  }
}

async function listen(server: Pick<ReturnType<typeof createServer>, 'listen' | 'close'>) {
  const address = await server.listen({ port: 0 })
  if (!('port' in address)) throw new Error('no port')
  return { port: address.port, close: () => server.close() }
}

/** Nanoseconds for one request, the best of some rounds. */
function withoutSockets({ request, replyLength, createSession }: Protocol): () => number {
  const chunk = Buffer.concat(Array.from({ length: REQUESTS }, () => request))
  const sinks = Array.from({ length: SESSIONS }, (_, id) => {
    const sink = new Sink()
    createSession(id, sink).open()
    return sink
  })
  return () => {
    const began = process.hrtime.bigint()
    for (const sink of sinks) {
      const before = sink.written
      sink.receive(chunk)
      if (sink.written !== before + REQUESTS * replyLength) throw new Error('not all were answered')
    }
    return Number(process.hrtime.bigint() - began) / SESSIONS / REQUESTS
  }
}

/** Processor time of this process for one request, and requests a second. */
async function overSocket({ request, replyLength, serve }: Protocol, inFlight: number) {
  const server = await serve()
  const client = spawn(process.execPath, [
    fileURLToPath(new URL('window-client.mjs', import.meta.url)),
    ...[server.port, request.toString('hex'), replyLength, inFlight].map(String),
  ])
  let output = ''
  client.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  client.stderr.pipe(process.stderr)
  const cpu = process.cpuUsage()
  await once(client, 'close')
  const { user, system } = process.cpuUsage(cpu)
  await server.close()
  const { replies, seconds } = JSON.parse(output) as { replies: number; seconds: number }
  return { perSecond: replies / seconds, cpuPerRequest: ((user + system) * 1000) / replies }
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

let read = 0
const prepared = Buffer.from('{"ok":true}')
const protocols: Record<string, Protocol> = {
  'built in, a handler that does nothing': builtIn({ onSubmit() {} }),
  'built in, a handler that reads the payload': builtIn({
    onSubmit(submit) {
      read += submit.payload.length
    },
  }),
  'own protocol, the same reply bytes each time': ownProtocol(() => prepared),
  'own protocol, JSON each time': ownProtocol((reply) => Buffer.from(JSON.stringify(reply))),
}

console.log('without sockets             ns/request   ratio to the first, to the second')
const rounds = Object.values(protocols).map((protocol) => ({ run: withoutSockets(protocol), times: [] as number[] }))
for (let round = 0; round < 40; round += 1) {
  for (const { run, times } of rounds) times.push(run())
}
print(rounds.map(({ times }) => 1 / median(times.slice(10))).map((speed) => ({ speed, note: (1 / speed).toFixed(1) })))

for (const inFlight of [1, 64]) {
  const runs = Object.keys(protocols).map(() => [] as { perSecond: number; cpuPerRequest: number }[])
  for (let round = 0; round < 5; round += 1) {
    for (const [index, protocol] of Object.values(protocols).entries()) {
      runs[index]?.push(await overSocket(protocol, inFlight))
    }
  }
  console.log(
    `over a socket, ${inFlight} in flight   requests/s (CPU of the server, ns)   ratio to the first, to the second`,
  )
  print(
    runs.map((results) => {
      const speed = median(results.map(({ perSecond }) => perSecond))
      const cpu = median(results.map(({ cpuPerRequest }) => cpuPerRequest))
      return { speed, note: `${speed.toFixed(0)} (${cpu.toFixed(0)})` }
    }),
  )
}
if (read === 0) throw new Error('nothing was read')

function print(rows: { speed: number; note: string }[]): void {
  for (const [index, { speed, note }] of rows.entries()) {
    const ratios = rows.slice(0, 2).map((row) => (speed / row.speed).toFixed(2))
    console.log(`  ${Object.keys(protocols)[index]?.padEnd(46)}${note.padStart(16)}   ${ratios.join('   ')}`)
  }
}
