/** Clients of a server with workers. Each knows the process that serves it, and sends it 50 requests a second. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { submit, submitAck } from '@demo/testkit/wire'
import { dial } from './dial.ts'

const INTERVAL = 20
const ACK_DIGITS = 28
const PATIENCE = 5000

/** What the clients of a worker and those of the others went through. */
export interface Aftermath {
  /** Clients of the worker that died, and how many of their connections ended. */
  readonly bereaved: number
  readonly cut: number
  /** Clients of other processes. */
  readonly others: number
  /** Their requests since the last time. */
  readonly requests: number
  /** Those not answered with success by the process that they were meant for. */
  readonly failed: number
  /** How many of their connections ended. */
  readonly lost: number
  /** The longest that one of their requests took, in milliseconds. */
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

  leave(): void {
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
 * So many more come, one after the other: so they are dealt out evenly. How many of them each of these processes serves,
 * in order; another may serve the rest.
 */
export async function come(port: number, count: number, pids: readonly number[]): Promise<number[]> {
  const arrivals: Client[] = []
  while (arrivals.length < count) {
    const socket = await dial({ port })
    arrivals.push(new Client(socket, await whoServes(socket, pids)))
  }
  clients.push(...arrivals)
  return pids.map((wanted) => arrivals.filter(({ pid }) => pid === wanted).length)
}

/** A worker was killed: waits until all of its clients know, and all others are answered what they have asked by now. */
export async function aftermath(victim: number): Promise<Aftermath> {
  const bereaved = clients.filter(({ pid }) => pid === victim)
  const others = clients.filter(({ pid }) => pid !== victim)
  const asked = others.map(({ sent }) => sent)
  const told = () =>
    bereaved.every(({ lost }) => lost) && others.every(({ answered }, i) => answered >= (asked[i] ?? 0))
  const deadline = performance.now() + PATIENCE
  while (!told() && performance.now() < deadline) await sleep(5)
  const unanswered = others.map(({ answered }, i) => Math.max(0, (asked[i] ?? 0) - answered))
  const result = {
    bereaved: bereaved.length,
    cut: bereaved.filter(({ lost }) => lost).length,
    others: others.length,
    requests: sum(asked),
    failed: sum(others.map(({ failed }) => failed)) + sum(unanswered),
    lost: others.filter(({ lost }) => lost).length,
    slowest: Math.max(0, ...others.map(({ slowest }) => slowest)),
  }
  for (const client of bereaved) client.leave()
  clients = others.filter(({ lost }) => !lost)
  return result
}

/** All of them leave. */
export function leave(): void {
  for (const client of clients) client.leave()
  clients = []
}

/** Which of these processes answers: the one that is asked for by its number succeeds. 0 when it is none of them. */
async function whoServes(socket: Socket, pids: readonly number[]): Promise<number> {
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
