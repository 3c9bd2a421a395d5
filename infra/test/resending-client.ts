import { connect, type Socket } from 'node:net'
import { waitFor } from '@demo/testkit/wait-for'
import { submit } from '@demo/testkit/wire'
import { onTestFinished } from 'vitest'

const ACK_LENGTH = 14
const ID_START = 5
const RESULT_AT = 13

/** The client's view of one connection. */
export interface SeenConnection {
  /** The `remoteAddress` and `remotePort` of the server's log, if the server knows them. */
  readonly address: string
  readonly port: number
  /** How many answers were received. */
  acks: number
  /** How it ended: by a FIN of the other side, or with an error such as ECONNRESET. */
  ended: string | undefined
}

/** Options of a client. */
export interface ResendingClientOptions {
  /** Its own source address, in 127.0.0.0/8. */
  readonly localAddress: string
  readonly port: number
  /** How many requests are in flight. */
  readonly window: number
}

/**
 * A client whose requests may be handled twice: when the server ends a connection, it makes another one, and sends unanswered
 * requests again. It runs until it is stopped, and then until all requests are answered.
 */
export class ResendingClient {
  readonly connections: SeenConnection[] = []
  readonly #options: ResendingClientOptions
  readonly #pending = new Set<number>()
  /** The number of answers to each request. */
  readonly answered = new Map<number, number>()
  /** Answers with a failure, or to unknown requests. */
  wrong = 0
  #last = 0
  #stopping = false
  #socket: Socket

  constructor(options: ResendingClientOptions) {
    this.#options = options
    this.#socket = this.#connect()
    onTestFinished(() => {
      this.#stopping = true
      this.#socket.destroy()
    })
  }

  /** How many requests it has made, each counted once. */
  get requests(): number {
    return this.#last
  }

  /** Stops. Resolves when all requests are answered, and the connection has ended. */
  async finish(): Promise<void> {
    this.#stopping = true
    await waitFor(
      () => this.#pending.size === 0,
      () => `for ${this.#pending.size} answers`,
    )
    this.#socket.end()
    await waitFor(
      () => this.connections.every(({ ended }) => ended !== undefined),
      () => 'for the end of the connections',
    )
  }

  #connect(): Socket {
    const { localAddress, port, window } = this.#options
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
    let seen: SeenConnection | undefined
    let received: Buffer = Buffer.alloc(0)
    socket.on('connect', () => {
      seen = { address: localAddress, port: socket.localPort ?? 0, acks: 0, ended: undefined }
      this.connections.push(seen)
      for (const serial of this.#pending) socket.write(submit(serial), 'hex')
      this.#fill(socket, window)
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const whole = received.length - (received.length % ACK_LENGTH)
      for (let at = 0; at < whole; at += ACK_LENGTH) this.#take(received.subarray(at, at + ACK_LENGTH))
      if (seen !== undefined) seen.acks += whole / ACK_LENGTH
      received = received.subarray(whole)
      this.#fill(socket, window)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (seen === undefined) this.connections.push({ address: localAddress, port: 0, acks: 0, ended: 'not connected' })
      else seen.ended = error.code ?? error.message
    })
    socket.on('close', () => {
      if (seen !== undefined) seen.ended ??= received.length === 0 ? 'FIN' : 'within an answer'
      if (this.#pending.size > 0 || !this.#stopping) this.#socket = this.#connect()
    })
    return socket
  }

  #fill(socket: Socket, window: number): void {
    if (this.#stopping || !socket.writable) return
    let fresh = ''
    while (this.#pending.size < window) {
      this.#pending.add(++this.#last)
      fresh += submit(this.#last)
    }
    if (fresh !== '') socket.write(fresh, 'hex')
  }

  #take(ack: Buffer): void {
    const serial = Number(ack.toString('latin1', ID_START, RESULT_AT))
    if (ack[RESULT_AT] !== 0 || serial < 1 || serial > this.#last) this.wrong += 1
    this.answered.set(serial, (this.answered.get(serial) ?? 0) + 1)
    this.#pending.delete(serial)
  }
}
