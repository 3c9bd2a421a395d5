/** A peer that does nothing wrong: 50 requests a second on one connection, each of them timed. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { conn, submit } from '@demo/testkit/wire'
import { type ClientTls, dial } from './dial.ts'

const INTERVAL = 20
const ACK_LENGTH = 14
const PATIENCE = 5000

/** What it went through since it was asked the last time. Times in milliseconds. */
export interface Health {
  readonly requests: number
  /** Requests whose answer did not come, or said failure. */
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

let socket: Socket | undefined
let failures = 0
/** When the requests that wait were sent, oldest first: answers come in order. */
let sentAt: number[] = []
let latencies: number[] = []
let partial: Buffer = Buffer.alloc(0)
let serial = 0

/** How it shows that it may come in, where it must. */
export interface Introduction {
  /** What it says in a Conn. */
  readonly credentials?: string
  readonly tls?: ClientTls
}

/** Connects, and begins to send. */
export async function start(port: number, { credentials, tls }: Introduction = {}): Promise<void> {
  const connection = await dial({
    port,
    secureContext: tls === undefined ? undefined : createSecureContext({ ...tls }),
  })
  socket = connection
  connection.on('error', () => {})
  connection.on('data', receive)
  if (credentials !== undefined) {
    sentAt.push(performance.now())
    connection.write(Buffer.from(conn(0, Buffer.from(credentials).toString('hex')), 'hex'))
  }
  const timer = setInterval(() => {
    serial += 1
    sentAt.push(performance.now())
    connection.write(Buffer.from(submit(serial), 'hex'))
  }, INTERVAL)
  connection.on('close', () => {
    clearInterval(timer)
    failures += sentAt.length + 1
    sentAt = []
  })
}

/** How it went since the last time. What waits for its answer now is waited for, but not for longer than patience. */
export async function health(): Promise<Health> {
  const last = serial
  const deadline = performance.now() + PATIENCE
  while (serial - sentAt.length < last && performance.now() < deadline) await sleep(1)
  failures += Math.max(0, last - (serial - sentAt.length))
  const sorted = latencies.sort((a, b) => a - b)
  latencies = []
  const failed = failures
  failures = 0
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { requests: sorted.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** Ends its connection. */
export function stop(): void {
  socket?.destroy()
}

function receive(chunk: Buffer): void {
  const now = performance.now()
  const bytes = partial.length === 0 ? chunk : Buffer.concat([partial, chunk])
  const whole = bytes.length - (bytes.length % ACK_LENGTH)
  for (let at = 0; at < whole; at += ACK_LENGTH) {
    const sent = sentAt.shift()
    if (sent === undefined || bytes[at + ACK_LENGTH - 1] !== 0) failures += 1
    else latencies.push(now - sent)
  }
  partial = bytes.subarray(whole)
}
