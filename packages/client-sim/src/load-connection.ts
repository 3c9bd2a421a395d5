import type { Socket } from 'node:net'
import { CommandId, createPacketCodec, type Dialect, ID_COUNT, type PacketCodec, PacketIdSequence } from '@demo/packet'
import { AckReader } from './ack-reader.ts'
import { ClientError } from './client-error.ts'
import { checkTimeout, openSocket, type ServerLocation } from './connect.ts'
import { SubmitBatch } from './submit-batch.ts'

/** Options of {@link openLoadConnection}. Times in milliseconds; 0 is no limit. */
export type LoadConnectionOptions = ServerLocation & {
  /** @default 'specification' */
  readonly dialect?: Dialect
  /** Requests sent and not answered, at most. */
  readonly window: number
  /** The payload of every request. */
  readonly payload: Uint8Array
  /**
   * How long connecting may take.
   *
   * @default 5000
   */
  readonly timeout?: number
}

/** Requests that were sent together, answered together, and answered alike. */
export interface AnsweredRun {
  /** When they were sent, in milliseconds on the monotonic clock. */
  sentAt: number
  /** When they were answered, in milliseconds on the monotonic clock. */
  answeredAt: number
  /** How many they are. */
  count: number
  /** Whether the result was 0. */
  succeeded: boolean
}

/** What a load connection tells. */
export interface LoadListener {
  /** Requests were answered. Called once for all that are alike; the object is used again for the next. */
  answered(run: Readonly<AnsweredRun>): void
  /** All answers of one read were told, and there may be room for more requests. */
  room(connection: LoadConnection): void
  /** The connection is gone; with an error, unless it was closed. */
  closed(connection: LoadConnection, error: ClientError | undefined): void
}

/** No request: what a slot holds that is free. */
const FREE = -1

/**
 * One connection for load: requests are counted and timed, each of them, and none costs a promise or an object. Every
 * answer is matched to its request by its ID.
 */
export class LoadConnection {
  /** Requests sent. */
  sent = 0
  /** Requests answered, whatever the result. */
  acks = 0
  /** Answers to no request that waits: an unknown ID, a second answer, the answer to another command. */
  mismatched = 0

  readonly #socket: Socket
  readonly #reader: AckReader
  readonly #listener: LoadListener
  readonly #window: number
  readonly #batch: SubmitBatch
  readonly #ids = new PacketIdSequence()
  /** What waits, by serial number modulo the number of slots: its serial number, and when it was sent. */
  readonly #serials: Int32Array
  readonly #sentAt: Float64Array
  /** Requests that wait for so long that a younger one has taken their slot: when they were sent, by serial number. */
  readonly #stragglers = new Map<number, number>()
  #error: ClientError | undefined
  /** Answers of this read that are alike, not told yet. */
  readonly #run: AnsweredRun = { sentAt: 0, answeredAt: 0, count: 0, succeeded: true }
  /** The socket still reads from the batch: it can't be filled anew. */
  #batchBusy = false
  /** The end of the connection is our doing. */
  #ended = false

  constructor(socket: Socket, codec: PacketCodec, options: LoadConnectionOptions, listener: LoadListener) {
    const { window, payload } = options
    const slots = slotCount(window)
    this.#socket = socket
    this.#reader = new AckReader(codec)
    this.#listener = listener
    this.#window = window
    this.#batch = new SubmitBatch(payload, window)
    this.#serials = new Int32Array(slots).fill(FREE)
    this.#sentAt = new Float64Array(slots)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (cause) => this.#fail(lost(`the connection was lost: ${cause.message}`, cause)))
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

  /** Sends so many requests, or as many as there is room for. */
  send(count: number): void {
    for (let left = Math.min(count, this.room); left > 0; left = Math.min(left, this.room)) {
      const size = Math.min(left, this.#batch.size)
      const now = performance.now()
      const bytes = this.#batch.fill(size, this.#ids, (serial) => this.#note(serial, now))
      this.sent += size
      left -= size
      this.#socket.write(bytes, this.#written)
      this.#batchBusy = this.#socket.writableLength > 0
    }
  }

  /** How many requests have waited for their answer since before `sentBefore`, in milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    let count = 0
    for (let slot = 0; slot < this.#serials.length; slot++) {
      if (this.#serials[slot] !== FREE && this.#sentAt[slot] < sentBefore) count += 1
    }
    for (const sentAt of this.#stragglers.values()) if (sentAt < sentBefore) count += 1
    return count
  }

  /** Ends our side; the server ends its own. */
  end(): void {
    this.#ended = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    this.#run.answeredAt = performance.now()
    try {
      this.#reader.read(chunk, (ack) => this.#take(ack.command, ack.serial, ack.result))
    } catch (error) {
      this.#fail(error as ClientError)
    }
    this.#tellRun()
    this.#listener.room(this)
  }

  #note(serial: number, now: number): void {
    const slot = serial % this.#serials.length
    if (this.#serials[slot] !== FREE) this.#stragglers.set(this.#serials[slot], this.#sentAt[slot])
    this.#serials[slot] = serial
    this.#sentAt[slot] = now
  }

  #take(command: number, serial: number, result: number): void {
    const sentAt = command === CommandId.SubmitAck ? this.#release(serial) : undefined
    if (sentAt === undefined) {
      this.mismatched += 1
      return
    }
    this.acks += 1
    const run = this.#run
    const succeeded = result === 0
    if (sentAt !== run.sentAt || succeeded !== run.succeeded) this.#tellRun()
    run.sentAt = sentAt
    run.succeeded = succeeded
    run.count += 1
  }

  /** When the request with this serial number was sent, or undefined when none waits. It does not wait any more. */
  #release(serial: number): number | undefined {
    const slot = serial % this.#serials.length
    if (serial >= 0 && this.#serials[slot] === serial) {
      this.#serials[slot] = FREE
      return this.#sentAt[slot]
    }
    const sentAt = this.#stragglers.get(serial)
    this.#stragglers.delete(serial)
    return sentAt
  }

  #tellRun(): void {
    if (this.#run.count > 0) this.#listener.answered(this.#run)
    this.#run.count = 0
  }

  /** The system has taken a batch. */
  readonly #written = (): void => {
    if (!this.#batchBusy || this.#socket.writableLength > 0) return
    this.#batchBusy = false
    this.#listener.room(this)
  }

  #serverEnded(): void {
    try {
      this.#reader.finish()
      if (this.#ended) return
      const unanswered = this.inFlight > 0 ? ` with ${this.inFlight} requests unanswered` : ''
      this.#fail(lost(`the server ended the connection${unanswered}`))
    } catch (error) {
      this.#fail(error as ClientError)
    }
  }

  #fail(error: ClientError): void {
    this.#error ??= error
    this.#socket.destroy()
  }
}

/**
 * Opens a connection for load.
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`
 */
export async function openLoadConnection(
  options: LoadConnectionOptions,
  listener: LoadListener,
): Promise<LoadConnection> {
  const { window, timeout = 5000 } = options
  if (!(Number.isInteger(window) && window > 0 && window <= MAX_WINDOW)) {
    throw new RangeError(`window is ${window}; it must be an integer from 1 to ${MAX_WINDOW}`)
  }
  checkTimeout(timeout)
  const codec = createPacketCodec(options.dialect === undefined ? {} : { dialect: options.dialect })
  const socket = await openSocket(options, timeout)
  return new LoadConnection(socket, codec, options, listener)
}

/** Past this the memory for the slots is no longer small: 12 MiB a connection. */
const MAX_WINDOW = 1_000_000

/**
 * At least one slot for each request of the window, and a divisor of the number of IDs: so neighbours stay neighbours
 * where the IDs go round, and requests that are answered in order never want the same slot.
 */
function slotCount(window: number): number {
  let slots = window
  while (ID_COUNT % slots !== 0) slots += 1
  return slots
}

function lost(message: string, cause?: Error): ClientError {
  return new ClientError('ERR_CLIENT_CONNECTION_LOST', message, { cause, sent: true })
}
