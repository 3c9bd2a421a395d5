/**
 * The cost of queueing 1,000,000 requests, and of rejecting them: each step has a limit of 2 seconds. The server reads
 * everything and never answers, so all but one wait in the client. The time is from the first call to the last
 * rejection, in one process with the server.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Client, type ConnectOptions, connect } from '../src/index.ts'

const REQUESTS = Number(process.env['REQUESTS'] ?? 1_000_000)
const LIMIT = 2000
const PAYLOAD = new Uint8Array(8)

const sockets = new Set<Socket>()
const server = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {}).resume()
})
await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
const { port } = server.address() as AddressInfo
const options: ConnectOptions = { port, window: 1, maxQueue: REQUESTS, timeout: 0 }

let slow = false
const print = (what: string, milliseconds: number) => {
  slow ||= milliseconds > LIMIT
  console.log(`${what.padEnd(44)}${milliseconds.toFixed(0).padStart(6)} ms${milliseconds > LIMIT ? '   TOO SLOW' : ''}`)
}

/** Fills a queue, rejects it, and waits for the last rejection. */
async function measure(
  name: string,
  submit: (client: Client, i: number) => Promise<number>,
  end: (client: Client) => number | void,
): Promise<void> {
  const client = await connect(options)
  // Fills the window, and is never answered.
  client.submit(PAYLOAD).catch(() => {})
  await new Promise(setImmediate)
  let rejected = 0
  let done: () => void = () => {}
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const count = () => {
    rejected += 1
    if (rejected === REQUESTS) done()
  }
  let start = performance.now()
  for (let i = 0; i < REQUESTS; i++) submit(client, i).catch(count)
  print(`${name}: queued`, performance.now() - start)
  await new Promise(setImmediate)
  start = performance.now()
  const waited = end(client) ?? 0
  await all
  print(`${name}: rejected`, performance.now() - start - waited)
  client.destroy()
}

const shared = new AbortController()

/** The time limit of all of them: late enough that all are queued. */
const TIMEOUT = 3000
await measure(
  'timed out',
  (client) => client.submit(PAYLOAD, { timeout: TIMEOUT }),
  // Blocks the loop until the limits have passed: only the rejections are measured.
  () => block(TIMEOUT),
)
await measure(
  'aborted, with one signal',
  (client) => client.submit(PAYLOAD, { signal: shared.signal }),
  () => shared.abort(),
)
await measure(
  'closed, with a time limit of 1 ms',
  (client) => client.submit(PAYLOAD),
  (client) => void client.close({ timeout: 1 }),
)
await measure(
  'destroyed',
  (client) => client.submit(PAYLOAD),
  (client) => client.destroy(),
)

for (const socket of sockets) socket.destroy()
server.close()
if (slow) {
  console.error(`something took more than ${LIMIT} ms`)
  process.exitCode = 1
}

function block(milliseconds: number): number {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(cell, 0, 0, milliseconds)
  return milliseconds
}
