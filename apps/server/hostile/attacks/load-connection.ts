import type { Socket } from 'node:net'
import { manySubmits } from '@demo/testkit/wire'
import { dial } from './dial.ts'

const ACK_LENGTH = 14
const ID_OFFSET = 5
const ID_LENGTH = 8
const SUBMIT_ACK = 0x82

/** The most requests of one write. */
const BATCH = 4096

/** How a connection under load ended, and what it received. */
export interface LoadOutcome {
  /** The `remotePort` of the server's log. */
  readonly localPort: number
  readonly sent: number
  /** Requests that were answered with success, once. */
  readonly answered: number
  /** The highest serial number that was answered. */
  readonly lastAnswered: number
  /** Invalid answers: to a request that was answered or never sent, or with a failure. */
  readonly wrong: number
  /** Whether the server ended it with a FIN, and not with a reset. */
  readonly ended: boolean
}

/** A connection with a window of requests in flight: it sends one for each answer, until it is stopped. */
export class LoadConnection {
  readonly #socket: Socket
  readonly #window: number
  /** Whether a request was answered, by serial number. */
  #seen = new Uint8Array(1 << 16)
  #partial: Buffer = Buffer.alloc(0)
  #localPort = 0
  #sent = 0
  #answered = 0
  #lastAnswered = 0
  #wrong = 0
  #stopped = false
  #ended = false
  readonly #closed: Promise<void>

  private constructor(socket: Socket, window: number) {
    this.#socket = socket
    this.#window = window
    this.#localPort = socket.localPort ?? 0
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('end', () => {
      this.#ended = true
      this.#stopped = true
      socket.end()
    })
    socket.on('error', () => {
      this.#ended = false
    })
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async open(port: number, window: number): Promise<LoadConnection> {
    return new LoadConnection(await dial({ port, allowHalfOpen: true }), window)
  }

  get answered(): number {
    return this.#answered
  }

  /** Sends as many requests as the window has room for, now and after each answer. */
  fill(): void {
    if (this.#stopped || this.#socket.writableLength > 0) return
    const room = Math.min(BATCH, this.#window - (this.#sent - this.#answered))
    if (room <= 0) return
    this.#socket.write(manySubmits(this.#sent + 1, room), () => this.fill())
    this.#sent += room
    while (this.#seen.length <= this.#sent) {
      const larger = new Uint8Array(this.#seen.length * 2)
      larger.set(this.#seen)
      this.#seen = larger
    }
  }

  stop(): void {
    this.#stopped = true
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Waits until the server has ended the connection. */
  async outcome(): Promise<LoadOutcome> {
    await this.#closed
    return {
      localPort: this.#localPort,
      sent: this.#sent,
      answered: this.#answered,
      lastAnswered: this.#lastAnswered,
      wrong: this.#wrong + (this.#partial.length > 0 ? 1 : 0),
      ended: this.#ended,
    }
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk])
    const whole = bytes.length - (bytes.length % ACK_LENGTH)
    for (let at = 0; at < whole; at += ACK_LENGTH) this.#take(bytes, at)
    this.#partial = bytes.subarray(whole)
    this.fill()
  }

  #take(bytes: Buffer, at: number): void {
    let serial = 0
    for (let i = at + ID_OFFSET; i < at + ID_OFFSET + ID_LENGTH; i++) serial = serial * 10 + bytes.readUInt8(i) - 0x30
    const known = bytes[at + 4] === SUBMIT_ACK && serial >= 1 && serial <= this.#sent && this.#seen[serial] === 0
    if (!known || bytes[at + ACK_LENGTH - 1] !== 0) this.#wrong += 1
    if (!known) return
    this.#seen[serial] = 1
    this.#answered += 1
    if (serial > this.#lastAnswered) this.#lastAnswered = serial
  }
}
