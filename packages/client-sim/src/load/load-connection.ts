import { CommandId, type PacketCodec, PacketIdSequence } from '@demo/packet'
import { asClientError, ClientError } from '../common/client-error.ts'
import { AckReader } from '../connection/ack-reader.ts'
import type { AnsweredRun, DueTimes } from './answered-run.ts'
import { NO_SLOT, RequestSlots } from './request-slots.ts'

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

/** What a load connection begins with. */
export interface LoadStart {
  readonly codec: PacketCodec
  /** May hold part of a frame. */
  readonly reader?: AckReader | undefined
  /** The serial number of the request sent last; 0 if there was none. */
  readonly lastSerial: number
  /** The most requests in flight. */
  readonly window: number
}

/**
 * One connection for load. Each request is counted and timed, and costs neither a promise nor an object. Each answer is
 * matched to its request by its ID. How bytes are sent and received is up to its subclasses.
 */
export abstract class LoadConnection {
  /** Requests sent. */
  sent = 0
  /** Requests answered, with any result. */
  acks = 0
  /** Answers without a request: their ID was never sent, or they answer another command. */
  mismatched = 0
  /** Answers to requests that were answered before. */
  duplicates = 0

  protected readonly ids: PacketIdSequence
  protected readonly slots: RequestSlots
  /** Whether the server has sent anything. */
  protected hasReceived: boolean
  /** Whether `end` was called. */
  protected ended = false
  readonly #reader: AckReader
  readonly #listener: LoadListener
  readonly #window: number
  readonly #codec: PacketCodec
  #error: ClientError | undefined
  /** Equal answers of this read that are not reported yet. */
  readonly #run: AnsweredRun = { dueAt: 0, sentAt: 0, answeredAt: 0, count: 0, succeeded: true }

  constructor({ codec, reader = new AckReader(codec), lastSerial, window }: LoadStart, listener: LoadListener) {
    this.ids = new PacketIdSequence(lastSerial)
    this.slots = new RequestSlots(window, lastSerial)
    this.hasReceived = lastSerial > 0
    this.#codec = codec
    this.#reader = reader
    this.#listener = listener
    this.#window = window
  }

  /** Whether nothing can be sent now: the system has not taken what was sent before, or the connection is closed. */
  protected abstract get busy(): boolean
  /** Sends up to `most` requests. @returns how many */
  protected abstract sendSome(most: number, due: DueTimes | undefined): number
  /** Ends our side; then the server ends its own. */
  abstract end(): void
  abstract destroy(): void
  /** The error of a connection that the server ended, or that was lost for a reason. */
  protected abstract lostError(unfinished: string, cause?: Error): ClientError

  /** Requests sent and not answered. */
  get inFlight(): number {
    return this.sent - this.acks
  }

  /** How many requests can be sent now: none after {@link end}. */
  get room(): number {
    return this.busy || this.ended ? 0 : this.#window - this.inFlight
  }

  /**
   * Sends `count` requests, or as many as there is room for.
   *
   * @param due when each of them was due; now unless given. Give it always or never.
   */
  send(count: number, due?: DueTimes): void {
    if (due !== undefined) this.slots.keepDueTimes()
    for (let left = Math.min(count, this.room); left > 0; left = Math.min(left, this.room)) {
      const size = this.sendSome(left, due)
      this.sent += size
      left -= size
    }
  }

  /** How many requests without an answer were sent before `sentBefore`, in milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    let count = 0
    this.slots.forEach((_dueAt, sentAt) => {
      if (sentAt < sentBefore) count += 1
    })
    return count
  }

  /**
   * Calls `visit` for each request without an answer; on a closed connection, for each that was lost with it. Times are in
   * milliseconds on the monotonic clock.
   */
  forEachUnanswered(visit: (dueAt: number, sentAt: number) => void): void {
    this.slots.forEach(visit)
  }

  /** Takes bytes that were read. */
  protected receive(chunk: Uint8Array): void {
    this.beginRead()
    this.readAcks(chunk)
    this.endRead()
  }

  /** Something was read now. */
  protected beginRead(): void {
    this.#run.answeredAt = performance.now()
    this.hasReceived = true
  }

  /** What was read now is taken. */
  protected endRead(): void {
    this.#reportRun()
    this.reportRoom()
  }

  /** Takes the responses in some bytes. */
  protected readAcks(chunk: Uint8Array): void {
    const reader = this.#reader
    try {
      reader.push(chunk)
      for (let ack = reader.next(); ack !== undefined; ack = reader.next()) {
        this.answeredBy(ack.command, ack.serial, ack.result)
      }
    } catch (error) {
      this.fail(asClientError(error))
    }
  }

  /**
   * Takes one response.
   *
   * @throws ClientError `ERR_CLIENT_PROTOCOL` when it shows another dialect
   */
  protected answeredBy(command: CommandId, serial: number, result: number): void {
    const { slots } = this
    const slot = command === CommandId.SubmitAck ? slots.release(serial) : NO_SLOT
    // A slot is within the arrays, so an element is a number.
    if (slot !== NO_SLOT) this.#answered(slots.dueAt[slot] as number, slots.sentAt[slot] as number, result)
    else this.#answeredOther(command, serial, result)
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
    const wasSent = this.slots.wasSent(serial, this.sent)
    if (command !== CommandId.SubmitAck) {
      if (this.acks === 0 && this.#codec.dialect === 'specification' && wasSent) throw otherDialect()
      this.mismatched += 1
      return
    }
    const straggler = this.slots.takeStraggler(serial)
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

  protected reportRoom(): void {
    try {
      this.#listener.room(this)
    } catch (error) {
      throwUncaught(error)
    }
  }

  /** The server has ended its side. */
  protected serverEnded(): void {
    try {
      this.#reader.finish()
    } catch (error) {
      this.fail(asClientError(error))
      return
    }
    if (this.ended) return
    this.fail(this.lostError(this.inFlight > 0 ? ` with ${this.inFlight} requests unanswered` : ''))
  }

  protected fail(error: ClientError): void {
    this.#error ??= error
    this.destroy()
  }

  /** The connection is closed. */
  protected closed(): void {
    this.#listener.closed(this, this.#error)
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
