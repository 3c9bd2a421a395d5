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
import { createFrameServer } from '../src/create-frame-server.ts'
import { createServer } from '../src/create-server.ts'
import { HandlerCaller } from '../src/handlers/handler-caller.ts'
import { createAckBuffer } from '../src/io/ack-outbound.ts'
import { createMessageBuffer } from '../src/io/message-outbound.ts'
import { createCounters } from '../src/observability/counters.ts'
import type { ServedSession } from '../src/server.ts'
import { type MessageCodec, MessageSession } from '../src/session/message-session.ts'
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

function builtIn(): Protocol {
  const handlers = { onSubmit() {} }
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

function ownProtocol(): Protocol {
  const codec: MessageCodec<Uint8Array, { ok: boolean }> = {
    frames: lengthPrefixed({ lengthBytes: 3, endian: 'little' }),
    decode: (bytes, start, end) => bytes.subarray(start, end),
    encode: (reply) => Buffer.from(JSON.stringify(reply)),
  }
  const handlers = { codec, onMessage: (_message: Uint8Array) => ({ ok: true }) }
  const context = {
    ...common,
    ordered: true,
    options: checkCommonOptions({ maxInFlight: REQUESTS }),
    codec,
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

const protocols = { 'built in': builtIn(), 'own protocol': ownProtocol() }

const rounds = Object.values(protocols).map((protocol) => ({ run: withoutSockets(protocol), times: [] as number[] }))
for (let round = 0; round < 40; round += 1) {
  for (const { run, times } of rounds) times.push(run())
}
const [builtInTime, ownTime] = rounds.map(({ times }) => median(times.slice(10)))
console.log('without sockets, ns a request:')
console.log(
  `  built in ${builtInTime?.toFixed(1)}, own protocol ${ownTime?.toFixed(1)}: ${ratio(builtInTime, ownTime)}`,
)

for (const inFlight of [1, 64]) {
  const results = { 'built in': [], 'own protocol': [] } as Record<
    keyof typeof protocols,
    { perSecond: number; cpuPerRequest: number }[]
  >
  for (let round = 0; round < 5; round += 1) {
    for (const name of ['built in', 'own protocol'] as const) {
      results[name].push(await overSocket(protocols[name], inFlight))
    }
  }
  const perSecond = Object.values(results).map((runs) => median(runs.map((run) => run.perSecond)))
  const cpu = Object.values(results).map((runs) => median(runs.map((run) => run.cpuPerRequest)))
  console.log(`over a socket, ${inFlight} in flight:`)
  console.log(
    `  requests a second   ${perSecond.map((n) => n.toFixed(0)).join(' and ')}: ${ratio(perSecond[1], perSecond[0])}`,
  )
  console.log(`  server's CPU, ns    ${cpu.map((n) => n.toFixed(0)).join(' and ')}: ${ratio(cpu[0], cpu[1])}`)
}

function ratio(over: number | undefined, under: number | undefined): string {
  return ((over ?? Number.NaN) / (under ?? Number.NaN)).toFixed(2)
}
