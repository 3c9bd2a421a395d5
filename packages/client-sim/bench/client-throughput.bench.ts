/**
 * The cost of a request in a client, from `submit` to its answer, in one process with a server that only answers.
 * `CLIENT` names another build of the package to measure, for a comparison.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Client } from '../src/index.ts'

const { connect } = (await import(process.env['CLIENT'] ?? '../src/index.ts')) as typeof import('../src/index.ts')

const PAYLOAD = new Uint8Array(25)
const FRAME_LENGTH = 13 + PAYLOAD.length
const ACK_LENGTH = 14
const DURATION = 2000
const WARMUP = 1000

const server = createServer({ noDelay: true }, (socket) => answer(socket))
await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
const { port } = server.address() as AddressInfo

const { signal } = new AbortController()
const cases = [
  { name: 'window 1', window: 1, options: {} },
  { name: 'window 1000', window: 1000, options: {} },
  { name: 'window 1000, one signal', window: 1000, options: { signal } },
]
for (const { name, window, options } of cases) {
  const client = await connect({ port, window })
  await run(client, window, options, WARMUP)
  const rate = await run(client, window, options, DURATION)
  console.log(`${name.padEnd(28)}${Math.round(rate).toLocaleString('en-US').padStart(10)} requests/s`)
  await client.close()
}
server.close()

/** Runs loops, each with one request in flight. @returns requests per second */
async function run(client: Client, loops: number, options: object, duration: number): Promise<number> {
  const start = performance.now()
  let count = 0
  const loop = async () => {
    while (performance.now() - start < duration) {
      await client.submit(PAYLOAD, options)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: loops }, loop))
  return (count * 1000) / (performance.now() - start)
}

/** All frames have the same length, so counting bytes is enough. */
function answer(socket: Socket): void {
  let rest = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const count = Math.floor(bytes.length / FRAME_LENGTH)
    const acks = Buffer.alloc(count * ACK_LENGTH)
    for (let i = 0; i < count; i++) {
      acks[i * ACK_LENGTH + 3] = ACK_LENGTH
      acks[i * ACK_LENGTH + 4] = 0x82
      bytes.copy(acks, i * ACK_LENGTH + 5, i * FRAME_LENGTH + 5, i * FRAME_LENGTH + 13)
    }
    rest = bytes.subarray(count * FRAME_LENGTH)
    socket.write(acks)
  })
}
