/** Clients of a server with workers. Each knows the process that serves it, and sends 50 requests a second. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit, submitAck } from '@demo/testkit/wire'
import { dial } from './dial.ts'

const INTERVAL = 20
const ACK_DIGITS = 28
const PATIENCE = 5000

/** The results after the death of a worker, for its clients and for those of the others. */
export interface Aftermath {
  /** Clients of the worker that died, and how many of their connections ended. */
  readonly ofVictim: number
  readonly cut: number
  /** Clients of other processes. */
  readonly others: number
  /** The number of their requests. */
  readonly requests: number
  /** Requests that their process did not answer with success. */
  readonly failed: number
  /** How many of their connections ended. */
  readonly lost: number
  /** The longest response time of their requests, in milliseconds. */
  readonly slowest: number
}

let clients: Client[] = []

class Client {
  readonly pid: number
  lost = false
  sent = 0
  answered = 0
  failed = 0
  slowest = 0
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  readonly #sentAt: number[] = []
  #received = ''

  constructor(socket: Socket, pid: number) {
    this.pid = pid
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk.toString('hex')))
    socket.on('error', () => {})
    for (const event of ['end', 'close']) socket.on(event, () => this.#end())
    this.#timer = setInterval(() => this.#send(), INTERVAL)
  }

  disconnect(): void {
    this.#end()
    this.#socket.destroy()
  }

  #send(): void {
    this.sent += 1
    this.#sentAt.push(performance.now())
    this.#socket.write(Buffer.from(submit(this.sent, payload(this.pid)), 'hex'))
  }

  #receive(hex: string): void {
    this.#received += hex
    for (; this.#received.length >= ACK_DIGITS; this.#received = this.#received.slice(ACK_DIGITS)) {
      this.answered += 1
      if (this.#received.slice(0, ACK_DIGITS) !== submitAck(this.answered)) this.failed += 1
      this.slowest = Math.max(this.slowest, performance.now() - (this.#sentAt.shift() ?? 0))
    }
  }

  #end(): void {
    this.lost = true
    clearInterval(this.#timer)
  }
}

/**
 * Connects this many more clients, one after the other, so that they are distributed evenly.
 *
 * @returns how many of them each of these processes serves, in the same order; others may serve the rest
 */
export async function connectAll(port: number, count: number, pids: readonly number[]): Promise<number[]> {
  const added: Client[] = []
  while (added.length < count) {
    const socket = await dial({ port })
    added.push(new Client(socket, await servedBy(socket, pids)))
  }
  clients.push(...added)
  return pids.map((wanted) => added.filter(({ pid }) => pid === wanted).length)
}

/** After a worker was killed: waits for the end of its clients' connections, and for the answers to all other clients. */
export async function aftermath(victim: number): Promise<Aftermath> {
  const ofVictim = clients.filter(({ pid }) => pid === victim)
  const others = clients.filter(({ pid }) => pid !== victim)
  const asked = others.map(({ sent }) => sent)
  const done = () =>
    ofVictim.every(({ lost }) => lost) && others.every(({ answered }, i) => answered >= (asked[i] ?? 0))
  const deadline = performance.now() + PATIENCE
  while (!done() && performance.now() < deadline) await sleep(5)
  const unanswered = others.map(({ answered }, i) => Math.max(0, (asked[i] ?? 0) - answered))
  const result = {
    ofVictim: ofVictim.length,
    cut: ofVictim.filter(({ lost }) => lost).length,
    others: others.length,
    requests: sum(asked),
    failed: sum(others.map(({ failed }) => failed)) + sum(unanswered),
    lost: others.filter(({ lost }) => lost).length,
    slowest: Math.max(0, ...others.map(({ slowest }) => slowest)),
  }
  for (const client of ofVictim) client.disconnect()
  clients = others.filter(({ lost }) => !lost)
  return result
}

/** Ends all connections. */
export function disconnectAll(): void {
  for (const client of clients) client.disconnect()
  clients = []
}

/** Which of these processes serves the connection; 0 if none of them does. A request with its process ID succeeds. */
async function servedBy(socket: Socket, pids: readonly number[]): Promise<number> {
  let received = ''
  const listen = (chunk: Buffer) => {
    received += chunk.toString('hex')
  }
  socket.on('data', listen)
  socket.write(Buffer.from(pids.map((pid, i) => submit(i + 1, payload(pid))).join(''), 'hex'))
  const deadline = performance.now() + PATIENCE
  while (received.length < pids.length * ACK_DIGITS && performance.now() < deadline) await sleep(1)
  socket.off('data', listen)
  const acks = received.match(new RegExp(`.{${ACK_DIGITS}}`, 'g')) ?? []
  return pids.find((_pid, i) => acks[i] === submitAck(i + 1)) ?? 0
}

function payload(pid: number): string {
  return Buffer.from(String(pid)).toString('hex')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
