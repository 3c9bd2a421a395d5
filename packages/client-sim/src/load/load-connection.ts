import type { Socket } from 'node:net'
import {
  type BytesLike,
  CommandId,
  createPacketCodec,
  type Dialect,
  ID_COUNT,
  type PacketCodec,
  PacketIdSequence,
} from '@demo/packet'
import { checkTimeout } from '../common/check-options.ts'
import { asClientError, ClientError } from '../common/client-error.ts'
import { AckReader } from '../connection/ack-reader.ts'
import { authenticate, CONN_SERIAL, credentialBytes } from '../connection/authenticate.ts'
import { connectionLost } from '../connection/connection-lost.ts'
import { type ClientTls, type Inlet, openSocket, type ServerLocation } from '../connection/open-socket.ts'
import { PayloadPool, type SubmitBatch, UniformBatch, VariedBatch } from './submit-batch.ts'

/** Options of {@link openLoadConnection}. Times in milliseconds; 0 is no limit. */
export type LoadConnectionOptions = ServerLocation & {
  /** @default 'specification' */
  readonly dialect?: Dialect | undefined
  /** Requests sent and not answered, at most. */
  readonly window: number
  /** The payload of every request; or of each another one, in turn. */
  readonly payload: BytesLike | PayloadPool
  /**
   * The number of the pool's payload that is sent first; numbers go round.
   *
   * @default 0
   */
  readonly firstPayload?: number | undefined
  /**
   * How long connecting may take, and then the answer to the credentials.
   *
   * @default 5000
   */
  readonly timeout?: number | undefined
  /** Speaks TLS with the server. */
  readonly tls?: ClientTls | undefined
  /** What the server wants to see before it lets us in, sent in a Conn: a bearer token as text, or any bytes. */
  readonly credentials?: string | BytesLike | undefined
  /** Gives up connecting, at whatever stage, and rejects with the signal's reason. It does nothing afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** When the next request should have been sent, in milliseconds on the monotonic clock: asked once for each. */
export type DueTimes = () => number

/** Requests that were due together, sent together, answered together, and answered alike. */
export interface AnsweredRun {
  /** When they should have been sent, in milliseconds on the monotonic clock; when they were, unless said otherwise. */
  dueAt: number
  /** When they were sent, in milliseconds on the monotonic clock. */
  sentAt: number
  /** When they were answered, in milliseconds on the monotonic clock. */
  answeredAt: number
  /** How many they are. */
  count: number
  /** Whether the result was 0. */
  succeeded: boolean
}

/**
 * What a load connection tells. A listener that throws is an uncaught exception, as with Node's emitters; the connection
 * goes on.
 */
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
  /** Answers to no request that ever waited: an ID that was never sent, the answer to another command. */
  mismatched = 0
  /** Answers to requests that had been answered before. */
  duplicates = 0

  readonly #socket: Socket
  readonly #reader: AckReader
  readonly #listener: LoadListener
  readonly #window: number
  readonly #batch: SubmitBatch
  readonly #ids: PacketIdSequence
  /** The serial number of the request sent last. */
  #lastSerial: number
  readonly #dialect: Dialect
  /** What waits, by serial number modulo the number of slots: its serial number, and when it was sent. */
  readonly #serials: Int32Array
  /** Where the answer is expected that comes next. */
  #nextSlot = 0
  readonly #sentAt: Float64Array
  /** When it was due. The same array unless somebody gives due times: most loads pay nothing for it. */
  #dueAt: Float64Array
  /** Requests that wait for so long that a younger one has taken their slot, by serial number. */
  readonly #stragglers = new Map<number, { readonly sentAt: number; readonly dueAt: number }>()
  #error: ClientError | undefined
  /** Answers of this read that are alike, not told yet. */
  readonly #run: AnsweredRun = { dueAt: 0, sentAt: 0, answeredAt: 0, count: 0, succeeded: true }
  /** The socket still reads from the batch: it can't be filled anew. */
  #batchBusy = false
  /** Whether the server has sent anything. */
  #heard: boolean
  /** The end of the connection is our doing. */
  #ended = false

  constructor(
    socket: Socket,
    inlet: Inlet,
    codec: PacketCodec,
    batch: SubmitBatch,
    options: LoadConnectionOptions,
    listener: LoadListener,
    reader = new AckReader(codec),
  ) {
    const { window, credentials } = options
    const slots = slotCount(window)
    this.#lastSerial = credentials === undefined ? 0 : CONN_SERIAL
    this.#ids = new PacketIdSequence(this.#lastSerial)
    this.#dialect = codec.dialect
    this.#socket = socket
    this.#reader = reader
    this.#heard = credentials !== undefined
    this.#listener = listener
    this.#window = window
    this.#batch = batch
    this.#serials = new Int32Array(slots).fill(FREE)
    this.#sentAt = new Float64Array(slots)
    this.#dueAt = this.#sentAt
    inlet.receive = (chunk) => this.#receive(chunk)
    socket.on('end', () => this.#serverEnded())
    socket.on('error', (cause) => this.#fail(connectionLost({ socket, cause, heard: this.#heard, sent: true })))
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
   * Sends so many requests, or as many as there is room for.
   *
   * @param due when each of them should have been sent; now unless given. Give it always or never.
   */
  send(count: number, due?: DueTimes): void {
    if (due !== undefined && this.#dueAt === this.#sentAt) this.#dueAt = new Float64Array(this.#sentAt.length)
    for (let left = Math.min(count, this.room); left > 0; left = Math.min(left, this.room)) {
      const size = this.#batch.fits(left)
      const now = performance.now()
      const note =
        due === undefined
          ? (serial: number) => this.#note(serial, now)
          : (serial: number) => this.#noteDue(serial, now, due())
      const bytes = this.#batch.fill(size, this.#ids, note)
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
    for (const { sentAt } of this.#stragglers.values()) if (sentAt < sentBefore) count += 1
    return count
  }

  /**
   * Calls for each request that waits for its answer; of a connection that is gone, for each that was lost with it. Times
   * in milliseconds on the monotonic clock.
   */
  forEachUnanswered(visit: (dueAt: number, sentAt: number) => void): void {
    for (let slot = 0; slot < this.#serials.length; slot++) {
      if (this.#serials[slot] !== FREE) visit(this.#dueAt[slot], this.#sentAt[slot])
    }
    for (const { dueAt, sentAt } of this.#stragglers.values()) visit(dueAt, sentAt)
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
    this.#heard = true
    const reader = this.#reader
    try {
      reader.push(chunk)
      for (let ack = reader.next(); ack !== undefined; ack = reader.next()) {
        this.#take(ack.command, ack.serial, ack.result)
      }
    } catch (error) {
      this.#fail(asClientError(error))
    }
    this.#tellRun()
    this.#tellRoom()
  }

  #noteDue(serial: number, now: number, dueAt: number): void {
    this.#note(serial, now)
    this.#dueAt[serial % this.#serials.length] = dueAt
  }

  #note(serial: number, now: number): void {
    const slot = serial % this.#serials.length
    if (this.#serials[slot] !== FREE) {
      this.#stragglers.set(this.#serials[slot], { sentAt: this.#sentAt[slot], dueAt: this.#dueAt[slot] })
    }
    this.#serials[slot] = serial
    this.#sentAt[slot] = now
    this.#lastSerial = serial
  }

  #take(command: number, serial: number, result: number): void {
    const slots = this.#serials.length
    // Answers come in order as a rule: then nothing is divided.
    const slot = this.#serials[this.#nextSlot] === serial ? this.#nextSlot : serial % slots
    if (command !== CommandId.SubmitAck || serial < 0 || this.#serials[slot] !== serial) {
      this.#takeOther(command, serial, result)
      return
    }
    this.#serials[slot] = FREE
    this.#nextSlot = slot + 1 === slots ? 0 : slot + 1
    this.#answered(this.#dueAt[slot], this.#sentAt[slot], result)
  }

  #answered(dueAt: number, sentAt: number, result: number): void {
    this.acks += 1
    const run = this.#run
    const succeeded = result === 0
    if (sentAt !== run.sentAt || dueAt !== run.dueAt || succeeded !== run.succeeded) this.#tellRun()
    run.dueAt = dueAt
    run.sentAt = sentAt
    run.succeeded = succeeded
    run.count += 1
  }

  /** A straggler's answer, or one that nobody waits for. */
  #takeOther(command: number, serial: number, result: number): void {
    if (command !== CommandId.SubmitAck) {
      if (this.acks === 0 && this.#dialect === 'specification' && this.#wasSent(serial)) throw otherDialect()
      this.mismatched += 1
      return
    }
    const straggler = this.#stragglers.get(serial)
    if (straggler !== undefined) {
      this.#stragglers.delete(serial)
      this.#answered(straggler.dueAt, straggler.sentAt, result)
    } else if (this.#wasSent(serial)) this.duplicates += 1
    else this.mismatched += 1
  }

  /** Whether a request had this serial number, as far back as half a round: IDs come again. */
  #wasSent(serial: number): boolean {
    const back = (this.#lastSerial - serial + ID_COUNT) % ID_COUNT
    return serial >= 0 && back < Math.min(this.sent, ID_COUNT / 2)
  }

  #tellRun(): void {
    if (this.#run.count === 0) return
    try {
      this.#listener.answered(this.#run)
    } catch (error) {
      throwUncaught(error)
    }
    this.#run.count = 0
  }

  #tellRoom(): void {
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
    this.#tellRoom()
  }

  #serverEnded(): void {
    try {
      this.#reader.finish()
    } catch (error) {
      this.#fail(asClientError(error))
      return
    }
    if (this.#ended) return
    const undone = this.inFlight > 0 ? ` with ${this.inFlight} requests unanswered` : ''
    this.#fail(connectionLost({ socket: this.#socket, heard: this.#heard, undone, sent: true }))
  }

  #fail(error: ClientError): void {
    this.#error ??= error
    this.#socket.destroy()
  }
}

/**
 * Opens a connection for load.
 *
 * @throws ClientError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_CERTIFICATE`; with credentials also `ERR_CLIENT_UNAUTHORIZED`, `ERR_CLIENT_TIMEOUT`,
 *   `ERR_CLIENT_CONNECTION_LOST`, `ERR_CLIENT_PROTOCOL`
 * @throws RangeError when an option is invalid
 * @throws TypeError `ERR_PACKET_NOT_BYTES` when the payload is no bytes; `ERR_INVALID_ARG_TYPE` when the credentials are none
 */
export async function openLoadConnection(
  options: LoadConnectionOptions,
  listener: LoadListener,
): Promise<LoadConnection> {
  const { window, timeout = 5000, tls, signal } = options
  if (!(Number.isInteger(window) && window > 0 && window <= MAX_WINDOW)) {
    throw new RangeError(`window is ${window}; it must be an integer from 1 to ${MAX_WINDOW}`)
  }
  checkTimeout(timeout)
  const codec = createPacketCodec({ dialect: options.dialect })
  const batch = batchOf(options)
  const credentials = options.credentials === undefined ? undefined : credentialBytes(options.credentials)
  const inlet: Inlet = { receive() {} }
  const reader = new AckReader(codec)
  const socket = await openSocket(options, { timeout, tls, inlet, signal })
  if (credentials !== undefined) await authenticate({ socket, inlet, codec, reader, credentials, timeout, signal })
  return new LoadConnection(socket, inlet, codec, batch, options, listener, reader)
}

function batchOf({ payload, window, firstPayload }: LoadConnectionOptions): SubmitBatch {
  return payload instanceof PayloadPool ? new VariedBatch(payload, firstPayload) : new UniformBatch(payload, window)
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

/** Makes an uncaught exception of what a listener threw, without ending our own loop. */
function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

/** What our dialect calls a ConnAck is what the other one calls a SubmitAck. */
function otherDialect(): ClientError {
  const message = 'the server broke the protocol: it answers a Submit with the SubmitAck of the go-demo dialect'
  return new ClientError('ERR_CLIENT_PROTOCOL', message, { sent: true, dialect: 'go-demo' })
}
