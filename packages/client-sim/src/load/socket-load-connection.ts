import type { Socket } from 'node:net'
import type { ClientError } from '../common/client-error.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import type { OpenConnection } from '../connection/open-connection.ts'
import type { DueTimes } from './answered-run.ts'
import { LoadConnection, type LoadListener } from './load-connection.ts'
import type { SubmitBatch } from './submit-batch.ts'

/** A {@link LoadConnection} on a socket of Node, with TLS where asked for. */
export class SocketLoadConnection extends LoadConnection {
  readonly #socket: Socket
  readonly #batch: SubmitBatch
  /** The socket still reads from the batch: it cannot be filled again. */
  #batchBusy = false

  constructor(connection: OpenConnection, batch: SubmitBatch, window: number, listener: LoadListener) {
    const { socket, sink } = connection
    super({ ...connection, window }, listener)
    this.#socket = socket
    this.#batch = batch
    sink.receive = (chunk) => this.receive(chunk)
    socket.on('end', () => this.serverEnded())
    socket.on('error', (cause) => this.fail(this.lostError('', cause)))
    socket.on('close', () => this.closed())
  }

  protected get busy(): boolean {
    return this.#batchBusy || this.#socket.destroyed
  }

  protected sendSome(most: number, due: DueTimes | undefined): number {
    const { slots } = this
    const size = this.#batch.fits(most)
    const now = performance.now()
    const note =
      due === undefined
        ? (serial: number) => slots.add(serial, now)
        : (serial: number) => slots.addDue(serial, now, due())
    this.#socket.write(this.#batch.fill(size, this.ids, note), this.#written)
    this.#batchBusy = this.#socket.writableLength > 0
    return size
  }

  end(): void {
    this.ended = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  protected lostError(unfinished: string, cause?: Error): ClientError {
    return connectionLost({ socket: this.#socket, cause, hasReceived: this.hasReceived, unfinished, sent: true })
  }

  /** The system has taken a batch. */
  readonly #written = (): void => {
    if (!this.#batchBusy || this.#socket.writableLength > 0) return
    this.#batchBusy = false
    this.reportRoom()
  }
}
