/** Clients that each send a request at a fixed interval, and time it. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit } from '../../../../packages/server/src/testing/wire.ts'

const ACK_LENGTH = 14
const SUBMIT = Buffer.from(submit(1), 'hex')

/** Times in milliseconds. */
export interface Paced {
  readonly requests: number
  readonly unanswered: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Runs this many clients, each with a request every `interval` milliseconds, for `duration` milliseconds. */
export async function pace(port: number, clients: number, interval: number, duration: number): Promise<Paced> {
  const latencies: number[] = []
  const sockets = await Promise.all(Array.from({ length: clients }, () => open(port)))
  const waiting = sockets.map((socket) => listen(socket, latencies))
  const timers: NodeJS.Timeout[] = []
  for (const [i, socket] of sockets.entries()) {
    // Spread over the interval, like independent clients.
    await sleep(i === 0 ? 0 : interval / clients)
    timers.push(
      setInterval(() => {
        waiting[i]?.push(performance.now())
        socket.write(SUBMIT)
      }, interval),
    )
  }
  await sleep(duration)
  for (const timer of timers) clearInterval(timer)
  await sleep(500)
  for (const socket of sockets) socket.destroy()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  const unanswered = waiting.reduce((sum, queue) => sum + queue.length, 0)
  return { requests: latencies.length, unanswered, p50: at(0.5), p99: at(0.99), max: at(1) }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

/** When the unanswered requests were sent, oldest first. */
function listen(socket: Socket, latencies: number[]): number[] {
  const waiting: number[] = []
  let received = 0
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    const now = performance.now()
    received += chunk.length
    for (; received >= ACK_LENGTH; received -= ACK_LENGTH) latencies.push(now - (waiting.shift() ?? now))
  })
  return waiting
}
