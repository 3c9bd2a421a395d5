import { messageOf } from '@demo/cli'
import {
  type AnsweredRun,
  ClientError,
  type LoadConnection,
  openLoadConnection,
  type PayloadPool,
  type ServerLocation,
} from '@demo/client-sim'
import { DueQueue } from './due-queue.ts'
import type { WorkerPlan } from './load-worker.ts'
import type { TargetStats } from './target-stats.ts'

/** How long a server may take to end a connection that we ended, in milliseconds, when there is no timeout. */
const LINGER = 5000

/** What a slot reports. */
export interface SlotListener {
  answered(run: Readonly<AnsweredRun>): void
  /** There may be room for more requests. */
  room(slot: ConnectionSlot): void
  /** We ended its connection and opened the next one. */
  renewed(slot: ConnectionSlot): void
  /** A request was lost with the connection. Called for each, before `lost`. */
  unanswered(slot: ConnectionSlot, dueAt: number, sentAt: number): void
  /** Its connection was lost, or the next one could not be opened. */
  lost(slot: ConnectionSlot, error: ClientError, hadAnswered: boolean): void
  /** A connection that we had ended is closed: no more answers come over it. */
  ended(): void
}

/** What a slot is made from. */
export interface SlotOptions {
  /** Which of its worker's slots it is, from 0. */
  readonly number: number
  readonly location: ServerLocation
  readonly payload: Uint8Array | PayloadPool
  readonly target: TargetStats | undefined
}

/** The place of one connection, and of the next one when that has ended or was lost. */
export class ConnectionSlot {
  /** Requests of the open model that wait for room. */
  readonly due = new DueQueue()
  /** How many of them the present round assigned. */
  fresh = 0
  /** Whether it accepts requests: its connection is open, or is being opened for the first time or renewed. */
  isUsable = true
  /** The statistics of its target, when there are several targets. */
  readonly target: TargetStats | undefined
  readonly #plan: WorkerPlan
  readonly #options: SlotOptions
  readonly #listener: SlotListener
  #connection: LoadConnection | undefined
  /** Connections that we have ended and the server has not. */
  readonly #ending = new Set<LoadConnection>()
  /** Requests sent on its connections before the present one. */
  #sentBefore = 0
  #destroyed = false
  #mismatched = 0
  #duplicates = 0

  constructor(plan: WorkerPlan, options: SlotOptions, listener: SlotListener) {
    this.#plan = plan
    this.#options = options
    this.target = options.target
    this.#listener = listener
  }

  /** @throws ClientError when the connection can't be opened */
  async open(): Promise<void> {
    const { dialect, engine, window, timeout, tls, credentials, reconnectEvery, worker, workers } = this.#plan
    const { number, location, payload, target } = this.#options
    const listener = this.#listener
    const connection: LoadConnection = await openLoadConnection(
      {
        ...location,
        dialect,
        engine,
        timeout,
        window: reconnectEvery > 0 ? Math.min(window, reconnectEvery) : window,
        payload,
        firstPayload: number * workers + worker + this.#sentBefore,
        ...(tls === undefined ? {} : { tls }),
        ...(credentials === undefined ? {} : { credentials }),
      },
      {
        answered:
          target === undefined
            ? (run) => listener.answered(run)
            : (run) => {
                target.answered(run)
                listener.answered(run)
              },
        room: (one) => this.#room(one),
        closed: (one, error) => this.#closed(one, error),
      },
    )
    if (this.#destroyed) connection.destroy()
    else {
      this.#connection = connection
      this.isUsable = true
    }
  }

  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  get inFlight(): number {
    return this.#connection?.inFlight ?? 0
  }

  /** How many more requests its connection, open or being opened, can send before it is renewed. */
  get capacity(): number {
    return this.#plan.reconnectEvery - (this.#connection?.sent ?? 0)
  }

  /** How many requests can be sent now. */
  get room(): number {
    const connection = this.#connection
    if (connection === undefined) return 0
    const { reconnectEvery } = this.#plan
    return reconnectEvery > 0 ? Math.min(connection.room, reconnectEvery - connection.sent) : connection.room
  }

  get mismatched(): number {
    return this.#sum(this.#mismatched, (connection) => connection.mismatched)
  }

  get duplicates(): number {
    return this.#sum(this.#duplicates, (connection) => connection.duplicates)
  }

  /** Whether answers may still come over a connection that we have ended. */
  get isEnding(): boolean {
    return this.#ending.size > 0
  }

  /** Sends up to `most` requests, due now. @returns how many */
  sendNow(most: number): number {
    const count = Math.min(most, this.room)
    return this.#send(count, () => this.#connection?.send(count))
  }

  /** Sends up to `most` requests. @returns how many */
  sendDue(most: number, nextDue: () => number): number {
    const count = Math.min(most, this.room)
    return this.#send(count, () => this.#connection?.send(count, nextDue))
  }

  /** How many requests were sent before a time and wait for their answer. In milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    return this.#connection?.overdue(sentBefore) ?? 0
  }

  /** Calls for each request that waits for its answer. */
  forEachUnanswered(visit: (dueAt: number, sentAt: number) => void): void {
    this.#connection?.forEachUnanswered(visit)
  }

  /** Ends the connection and opens the next one, if it has sent all its requests and all are answered. */
  renew(): void {
    const connection = this.#connection
    const { reconnectEvery } = this.#plan
    if (connection === undefined || reconnectEvery === 0) return
    if (connection.sent < reconnectEvery || connection.inFlight > 0) return
    this.#connection = undefined
    this.#sentBefore += connection.sent
    this.#end(connection)
    this.open().then(
      () => {
        if (!this.#destroyed) this.#listener.renewed(this)
      },
      (error: unknown) => this.#lose(asClientError(error), true),
    )
  }

  destroy(): void {
    this.#destroyed = true
    this.#connection?.destroy()
    for (const connection of this.#ending) connection.destroy()
  }

  #sum(before: number, pick: (connection: LoadConnection) => number): number {
    let sum = before + (this.#connection === undefined ? 0 : pick(this.#connection))
    for (const connection of this.#ending) sum += pick(connection)
    return sum
  }

  #send(count: number, send: () => void): number {
    if (count <= 0) return 0
    const before = this.#connection?.sent ?? 0
    send()
    return (this.#connection?.sent ?? before) - before
  }

  #end(connection: LoadConnection): void {
    this.#ending.add(connection)
    connection.end()
    setTimeout(() => connection.destroy(), this.#plan.timeout || LINGER).unref()
  }

  #room(connection: LoadConnection): void {
    if (connection === this.#connection) this.#listener.room(this)
  }

  #closed(connection: LoadConnection, error: ClientError | undefined): void {
    this.#mismatched += connection.mismatched
    this.#duplicates += connection.duplicates
    if (this.#ending.delete(connection)) this.#listener.ended()
    if (connection !== this.#connection || this.#destroyed) return
    connection.forEachUnanswered((dueAt, sentAt) => this.#listener.unanswered(this, dueAt, sentAt))
    this.#sentBefore += connection.sent
    this.#connection = undefined
    this.#lose(error ?? new ClientError('ERR_CLIENT_CLOSED', 'it was closed'), connection.acks > 0)
  }

  #lose(error: ClientError, hadAnswered: boolean): void {
    if (this.#destroyed) return
    this.isUsable = false
    this.#listener.lost(this, error, hadAnswered)
  }
}

export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error
  return new ClientError('ERR_CLIENT_CONNECT', messageOf(error), { cause: error })
}
