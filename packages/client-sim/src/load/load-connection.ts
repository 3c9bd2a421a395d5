import type { Socket } from 'node:net'
import { CommandId, type Dialect, PacketIdSequence } from '@demo/packet'
import { asClientError, ClientError } from '../common/client-error.ts'
import type { AckReader } from '../connection/ack-reader.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import type { OpenConnection } from '../connection/open-connection.ts'
import type { AnsweredRun, DueTimes } from './answered-run.ts'
import { NO_SLOT, RequestSlots } from './request-slots.ts'
import type { SubmitBatch } from './submit-batch.ts'

/**
 * Gets the events of a load connection. If it throws, that is an uncaught exception, as with Node's emitters; the
 * connection goes on.
 */
export interface LoadListener {
  /** Requests were answered. Called once for each run of equal requests; the object is reused for the next run. */
  answered(run: Readonly<AnsweredRun>): void
  /** All answers of one read were reported, or a write has finished: there may be room for more requests. */
  room(connection: LoadConnection): void
  /** The connection is closed; with an error, unless it was closed on purpose. */
  closed(connection: LoadConnection, error: ClientError | undefined): void
}

/**
 * One connection for load. Each request is counted and timed, and costs neither a promise nor an object. Each answer is
 * matched to its request by its ID.
 */
export class LoadConnection {
  /** Requests sent. */
  sent = 0
  /** Requests answered, with any result. */
  acks = 0
  /** Answers without a request: their ID was never sent, or they answer another command. */
  mismatched = 0
  /** Answers to requests that were answered before. */
  duplicates = 0

  readonly #socket: Socket
  readonly #reader: AckReader
  readonly #listener: LoadListener
  readonly #window: number
  readonly #batch: SubmitBatch
  readonly #ids: PacketIdSequence
  readonly #dialect: Dialect
  readonly #slots: RequestSlots
  #error: ClientError | undefined
  /** Equal answers of this read that are not reported yet. */
  readonly #run: AnsweredRun = { dueAt: 0, sentAt: 0, answeredAt: 0, count: 0, succeeded: true }
  /** The socket still reads from the batch: it cannot be filled again. */
  #batchBusy = false
  /** Whether the server has sent anything. */
  #hasReceived: boolean
  /** Whether `end` was called. */
  #ended = false

  constructor(connection: OpenConnection, batch: SubmitBatch, window: number, listener: LoadListener) {
    const { socket, sink, codec, reader, lastSerial } = connection
    this.#ids = new PacketIdSequence(lastSerial)
    this.#slots = new RequestSlots(window, lastSerial)
    this.#dialect = codec.dialect
    this.#socket = socket
    this.#reader = reader
    this.#hasReceived = lastSerial > 0
    this.#listener = listener
    this.#window = window
    this.#batch = batch
    sink.receive = (chunk) => this.#receive(chunk)
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (cause) => {
      this.#fail(connectionLost({ socket, cause, hasReceived: this.#hasReceived, sent: true }))
    })
    socket.on('close', () => listener.closed(this, this.#error))
  }

  /** Requests sent and not answered. */
  get inFlight(): number {
    return this.sent - this.acks
  }

  /** How many requests can be sent now. */
  get room(): number {
    return this.#batchBusy || this.#socket.destroyed ? 0 : this.#window - this.inFlight
  }

  /**
   * Sends `count` requests, or as many as there is room for.
   *
   * @param due when each of them was due; now unless given. Give it always or never.
   */
  send(count: number, due?: DueTimes): void {
    const slots = this.#slots
    if (due !== undefined) slots.keepDueTimes()
    for (let left = Math.min(count, this.room); left > 0; left = Math.min(left, this.room)) {
      const size = this.#batch.fits(left)
      const now = performance.now()
      const note =
        due === undefined
          ? (serial: number) => slots.add(serial, now)
          : (serial: number) => slots.addDue(serial, now, due())
      const bytes = this.#batch.fill(size, this.#ids, note)
      this.sent += size
      left -= size
      this.#socket.write(bytes, this.#written)
      this.#batchBusy = this.#socket.writableLength > 0
    }
  }

  /** How many requests without an answer were sent before `sentBefore`, in milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    let count = 0
    this.#slots.forEach((_dueAt, sentAt) => {
      if (sentAt < sentBefore) count += 1
    })
    return count
  }

  /**
   * Calls `visit` for each request without an answer; on a closed connection, for each that was lost with it. Times are in
   * milliseconds on the monotonic clock.
   */
  forEachUnanswered(visit: (dueAt: number, sentAt: number) => void): void {
    this.#slots.forEach(visit)
  }

  /** Ends our side; then the server ends its own. */
  end(): void {
    this.#ended = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    this.#run.answeredAt = performance.now()
    this.#hasReceived = true
    const reader = this.#reader
    const slots = this.#slots
    try {
      reader.push(chunk)
      for (let ack = reader.next(); ack !== undefined; ack = reader.next()) {
        const { command, serial, result } = ack
        const slot = command === CommandId.SubmitAck ? slots.release(serial) : NO_SLOT
        // A slot is within the arrays, so an element is a number.
        if (slot !== NO_SLOT) this.#answered(slots.dueAt[slot] as number, slots.sentAt[slot] as number, result)
        else this.#answeredOther(command, serial, result)
      }
    } catch (error) {
      this.#fail(asClientError(error))
    }
    this.#reportRun()
    this.#reportRoom()
  }

  #answered(dueAt: number, sentAt: number, result: number): void {
    this.acks += 1
    const run = this.#run
    const succeeded = result === 0
    if (sentAt !== run.sentAt || dueAt !== run.dueAt || succeeded !== run.succeeded) this.#reportRun()
    run.dueAt = dueAt
    run.sentAt = sentAt
    run.succeeded = succeeded
    run.count += 1
  }

  /** The answer to a request that has lost its slot, or to none. */
  #answeredOther(command: number, serial: number, result: number): void {
    const wasSent = this.#slots.wasSent(serial, this.sent)
    if (command !== CommandId.SubmitAck) {
      if (this.acks === 0 && this.#dialect === 'specification' && wasSent) throw otherDialect()
      this.mismatched += 1
      return
    }
    const straggler = this.#slots.takeStraggler(serial)
    if (straggler !== undefined) this.#answered(straggler.dueAt, straggler.sentAt, result)
    else if (wasSent) this.duplicates += 1
    else this.mismatched += 1
  }

  #reportRun(): void {
    if (this.#run.count === 0) return
    try {
      this.#listener.answered(this.#run)
    } catch (error) {
      throwUncaught(error)
    }
    this.#run.count = 0
  }

  #reportRoom(): void {
    try {
      this.#listener.room(this)
    } catch (error) {
      throwUncaught(error)
    }
  }

  /** The system has taken a batch. */
  readonly #written = (): void => {
    if (!this.#batchBusy || this.#socket.writableLength > 0) return
    this.#batchBusy = false
    this.#reportRoom()
  }

  #serverEnded(): void {
    try {
      this.#reader.finish()
    } catch (error) {
      this.#fail(asClientError(error))
      return
    }
    if (this.#ended) return
    const unfinished = this.inFlight > 0 ? ` with ${this.inFlight} requests unanswered` : ''
    this.#fail(connectionLost({ socket: this.#socket, hasReceived: this.#hasReceived, unfinished, sent: true }))
  }

  #fail(error: ClientError): void {
    this.#error ??= error
    this.#socket.destroy()
  }
}

/** Makes an uncaught exception of what a listener threw, without ending our own loop. */
function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

/** The number of a ConnAck in our dialect is that of a SubmitAck in the other one. */
function otherDialect(): ClientError {
  const message = 'the server broke the protocol: it answers a Submit with the SubmitAck of the go-demo dialect'
  return new ClientError('ERR_CLIENT_PROTOCOL', message, { sent: true, dialect: 'go-demo' })
}
