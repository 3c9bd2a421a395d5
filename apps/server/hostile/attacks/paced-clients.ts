/** Clients that each send a request at a fixed interval, and time it. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit } from '@demo/testkit/wire'
import { dial } from './dial.ts'
import { type Percentiles, percentiles } from './percentiles.ts'

const ACK_LENGTH = 14
const SUBMIT = Buffer.from(submit(1), 'hex')

/** The results of all clients. Times in milliseconds. */
export interface Paced extends Percentiles {
  readonly requests: number
  readonly unanswered: number
}

/** Runs this many clients, each with a request every `interval` milliseconds, for `duration` milliseconds. */
export async function pace(port: number, clients: number, interval: number, duration: number): Promise<Paced> {
  const latencies: number[] = []
  const sockets = await Promise.all(Array.from({ length: clients }, () => dial({ port })))
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
  const unanswered = waiting.reduce((sum, queue) => sum + queue.length, 0)
  return { requests: latencies.length, unanswered, ...percentiles(latencies) }
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
