/** Many connections at the same time that do little or nothing. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { submit, submitAck } from '@demo/testkit/wire'
import { type ClientTls, type DialOptions, dial } from './dial.ts'
import { inParallel, upTo } from './in-parallel.ts'

/** Which connections to make. */
export interface IdleClientsOptions {
  readonly port: number
  readonly connections: number
  /** What each sends when it is connected, as hex. */
  readonly sends?: string
  /** How many connections are made at the same time. */
  readonly atOnce?: number
  /** The source address; by default, eight addresses in turns. */
  readonly from?: string
  /** With TLS. */
  readonly tls?: ClientTls
}

/** The state of all connections. */
export interface IdleClientsState {
  readonly connected: number
  readonly refused: number
  /** Connections that have ended, in any way. */
  readonly ended: number
  /** Connections that were reset. */
  readonly reset: number
  /** From the connection to its end, in seconds. */
  readonly lifetimes: readonly number[]
}

/** How many source addresses are used: the system has 28,000 ports for each. */
const ADDRESSES = 8

const PATIENCE = 20_000

interface Member {
  readonly socket: Socket
  readonly connectedAt: number
  lifetime: number | undefined
  reset: boolean
}

let members: Member[] = []
let refused = 0

/** Makes the connections. Those that are refused, or closed at once, are counted and not thrown. */
export async function connectAll({
  port,
  connections,
  sends = '',
  atOnce = 200,
  from,
  tls,
}: IdleClientsOptions): Promise<void> {
  const bytes = Buffer.from(sends, 'hex')
  const secureContext = tls === undefined ? undefined : createSecureContext({ ...tls })
  await inParallel(atOnce, upTo(connections), (index) =>
    join({ port, secureContext, localAddress: from ?? `127.0.0.${1 + (index % ADDRESSES)}` }, bytes),
  )
}

async function join(options: DialOptions, bytes: Buffer): Promise<void> {
  const connectedAt = performance.now()
  const socket = await dial(options).catch(() => undefined)
  if (socket === undefined) {
    refused += 1
    return
  }
  const member: Member = { socket, connectedAt, lifetime: undefined, reset: false }
  const ended = () => {
    member.lifetime ??= (performance.now() - member.connectedAt) / 1000
  }
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    member.reset = code === 'ECONNRESET' || code === 'EPIPE'
  })
  socket.on('end', ended)
  socket.on('close', ended)
  socket.resume()
  members.push(member)
  if (bytes.length > 0) socket.write(bytes)
}

export function state(): IdleClientsState {
  const gone = members.filter(({ lifetime }) => lifetime !== undefined)
  return {
    connected: members.length,
    refused,
    ended: gone.length,
    reset: gone.filter(({ reset }) => reset).length,
    lifetimes: gone.map(({ lifetime }) => lifetime ?? 0),
  }
}

/** Sends one Submit on each open connection, and returns how many were answered. */
export async function submitOnEach(): Promise<number> {
  const answers = members.map(async ({ socket }) => {
    const answered = new Promise<string>((resolve) => {
      socket.once('data', (chunk) => resolve(chunk.toString('hex')))
      socket.once('close', () => resolve(''))
    })
    if (socket.destroyed) return false
    socket.write(Buffer.from(submit(1), 'hex'))
    return (await Promise.race([answered, sleep(PATIENCE, '', { ref: false })])) === submitAck(1)
  })
  return (await Promise.all(answers)).filter(Boolean).length
}

/** Sends a byte a second on each connection, until all of them have ended. */
export async function dripUntilEnded(patience: number): Promise<IdleClientsState> {
  const start = performance.now()
  const sent = new Map<Member, number>()
  while (performance.now() - start < patience && members.some(({ lifetime }) => lifetime === undefined)) {
    for (const member of members) {
      if (member.lifetime !== undefined || member.socket.destroyed) continue
      const age = Math.floor((performance.now() - member.connectedAt) / 1000)
      if (age <= (sent.get(member) ?? 0)) continue
      sent.set(member, age)
      member.socket.write(DRIP)
    }
    await sleep(50)
  }
  return state()
}

const DRIP = Buffer.from('00', 'hex')

/** Breaks all connections with a RST. */
export function reset(): void {
  for (const { socket } of members) socket.resetAndDestroy()
  members = []
}

/** Ends all connections with a FIN. */
export function disconnectAll(): void {
  for (const { socket } of members) socket.destroy()
  members = []
  refused = 0
}
