import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { waitFor } from './wait-for.ts'
import { ACK_LENGTH, manySubmits } from './wire.ts'

/** A peer that keeps a window of requests in flight: it sends one for each answer, until the server's FIN. */
export class PipeliningPeer {
  readonly #socket: Socket
  readonly #window: number
  readonly #chunks: Buffer[] = []
  #receivedLength = 0
  #sent = 0
  #ended = false
  #closed = false
  #error: Error | undefined
  #localPort: number | undefined

  constructor(port: number, window: number) {
    this.#window = window
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    this.#socket.on('connect', () => {
      this.#localPort = this.#socket.localPort
      this.#fill()
    })
    this.#socket.on('data', (chunk) => this.#receive(chunk))
    this.#socket.on('end', () => this.#serverEnded())
    this.#socket.on('close', () => {
      this.#closed = true
    })
    this.#socket.on('error', (error) => {
      this.#error = error
    })
    onTestFinished(() => {
      this.#socket.destroy()
    })
  }

  /** What the server calls `remotePort`. It stays known after the connection is closed. */
  get localPort(): number | undefined {
    return this.#localPort
  }

  /** How many whole answers were received so far. */
  get answers(): number {
    return Math.floor(this.#receivedLength / ACK_LENGTH)
  }

  /** Everything that it has received. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Waits for the server's FIN and the end of the connection. @throws after a reset */
  async untilEnded(): Promise<void> {
    await waitFor(
      () => this.#closed,
      () => 'for the end of a pipelining peer',
    )
    if (this.#error !== undefined) throw this.#error
    if (!this.#ended) throw new Error('the connection was closed without a FIN')
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#receivedLength += chunk.length
    this.#fill()
  }

  #fill(): void {
    const room = this.answers + this.#window - this.#sent
    if (this.#ended || room <= 0) return
    this.#socket.write(manySubmits(this.#sent + 1, room))
    this.#sent += room
  }

  #serverEnded(): void {
    this.#ended = true
    this.#socket.end()
  }
}
