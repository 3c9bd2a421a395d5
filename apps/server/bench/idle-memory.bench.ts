/** The memory of an idle connection in `demo-server`, with 8,000 connections from two source addresses. */
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ProcessMeter } from '../hostile/fixture/process-meter.ts'
import { startNode } from './peers.ts'

const CONNECTIONS = 8000
const AT_ONCE = 200

const server = await startNode(fileURLToPath(new URL('../dist/main.js', import.meta.url)), [
  '--port',
  '0',
  '--metrics-port',
  '0',
])

const open = (i: number) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: `127.0.0.${1 + (i % 2)}` })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })

// A first round of connections: memory that the process needs only once is not counted.
const warm = await Promise.all(Array.from({ length: 100 }, (_, i) => open(i)))
for (const socket of warm) socket.destroy()
await new Promise((resolve) => setTimeout(resolve, 1000))

const meter = new ProcessMeter(server.pid)
const before = meter.residentBytes
const sockets: Socket[] = []
while (sockets.length < CONNECTIONS) {
  sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => open(i)))))
}
await new Promise((resolve) => setTimeout(resolve, 3000))
const each = (meter.residentBytes - before) / CONNECTIONS / 1024
console.log(`${CONNECTIONS} idle connections: ${each.toFixed(1)} KiB each (at most 8 KiB wanted)`)
for (const socket of sockets) socket.destroy()
await server.stop()
