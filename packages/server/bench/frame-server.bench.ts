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
import { CheckedCodec, type MessageCodec } from '../src/session/message-codec.ts'
import { MessageSession } from '../src/session/message-session.ts'
import { SubmitSession } from '../src/session/submit-session.ts'
import type { ServedSession } from '../src/session-server.ts'
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

/** @returns a function that gives the nanoseconds for one request */
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

/** How many requests a second each protocol answers, in each of some rounds that take turns. */
async function overSockets(protocols: readonly Protocol[], inFlight: number): Promise<number[][]> {
  const servers = await Promise.all(protocols.map(({ serve }) => serve()))
  const targets = protocols.map(({ request, replyLength }, index) => ({
    port: servers[index]?.port,
    request: request.toString('hex'),
    replyLength,
  }))
  const file = fileURLToPath(new URL('window-client.mjs', import.meta.url))
  const client = spawn(process.execPath, [file, JSON.stringify({ inFlight, targets })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  client.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(client, 'close')
  await Promise.all(servers.map((server) => server.close()))
  return JSON.parse(output)
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(share * values.length)] ?? Number.NaN
}

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

const runs = Object.values(protocols).map(withoutSockets)
const times = Array.from({ length: 40 }, () => runs.map((run) => run())).slice(10)
print(
  'without sockets, ns a request',
  times.map((round) => round.map((time) => 1 / time)),
  (speed) => (1 / speed).toFixed(1),
)
for (const inFlight of [1, 64]) {
  const speeds = await overSockets(Object.values(protocols), inFlight)
  print(`over a socket, ${inFlight} in flight, requests/s`, speeds, (speed) => speed.toFixed(0))
}
if (read === 0) throw new Error('nothing was read')

/** Ratios are taken within each round, because a machine is not equally fast all the time: median, and first to third quartile. */
function print(title: string, rounds: readonly number[][], show: (speed: number) => string): void {
  console.log(`${title.padEnd(48)}${'median'.padStart(10)}   beside the first    beside the second`)
  for (const [index, name] of Object.keys(protocols).entries()) {
    const speeds = rounds.map((round) => round[index] ?? Number.NaN)
    const ratios = [0, 1].map((other) => {
      const values = rounds.map((round) => (round[index] ?? Number.NaN) / (round[other] ?? Number.NaN))
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(2))
      return `${middle} (${low} to ${high})`
    })
    console.log(`  ${name.padEnd(46)}${show(quantile(speeds, 0.5)).padStart(10)}   ${ratios.join('   ')}`)
  }
}
