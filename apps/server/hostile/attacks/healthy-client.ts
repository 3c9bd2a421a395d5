/** A peer that follows the protocol: 50 requests a second on one connection, each of them timed. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { conn, submit } from '@demo/testkit/wire'
import { type ClientTls, dial } from './dial.ts'
import { type Percentiles, percentiles } from './percentiles.ts'

const INTERVAL = 20
const ACK_LENGTH = 14
const PATIENCE = 5000

/** Its results since the last call of `health`. Times in milliseconds. */
export interface Health extends Percentiles {
  readonly requests: number
  /** Requests that were not answered, or answered with a failure. */
  readonly failed: number
}

let socket: Socket | undefined
let failures = 0
/** When the unanswered requests were sent, oldest first: answers come in order. */
let sentAt: number[] = []
let latencies: number[] = []
let partial: Buffer = Buffer.alloc(0)
let serial = 0

/** What the server asks of a client before the first request. */
export interface Credentials {
  /** The payload of a Conn. */
  readonly credentials?: string
  readonly tls?: ClientTls
}

/** Connects, and begins to send. */
export async function start(port: number, { credentials, tls }: Credentials = {}): Promise<void> {
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

/** Its health since the last call. Waits for the answers to all requests sent so far, for a limited time. */
export async function health(): Promise<Health> {
  const last = serial
  const deadline = performance.now() + PATIENCE
  while (serial - sentAt.length < last && performance.now() < deadline) await sleep(1)
  failures += Math.max(0, last - (serial - sentAt.length))
  const result = { requests: latencies.length, failed: failures, ...percentiles(latencies) }
  latencies = []
  failures = 0
  return result
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
