import {
  type AnsweredRun,
  ClientError,
  type LoadConnection,
  openLoadConnection,
  type PayloadPool,
} from '@demo/client-sim'
import { DueQueue } from './due-queue.ts'
import type { WorkerPlan } from './load-worker.ts'
import type { TargetStats } from './target-stats.ts'

/** How long a server may take to end a connection that we ended, in milliseconds, where requests have no limit. */
const LINGER = 5000

/** What a slot reports. */
export interface SlotListener {
  answered(run: Readonly<AnsweredRun>): void
  /** There may be room for more requests. */
  room(slot: ConnectionSlot): void
  /** Its connection was ended by us, and made anew. */
  renewed(slot: ConnectionSlot): void
  /** Its connection is gone with a request that was not answered. Called for each, before `lost`. */
  unanswered(slot: ConnectionSlot, dueAt: number, sentAt: number): void
  /** Its connection was lost, perhaps before it had answered anything; or could not be made anew. */
  lost(slot: ConnectionSlot, error: ClientError, hadAnswered: boolean): void
  /** A connection that we had ended is gone: no answer comes over it any more. */
  ended(): void
}

/** The place of one connection: when that is ended or lost, the next one is made in the same place. */
export class ConnectionSlot {
  /** The open model's requests that wait for room. */
  readonly due = new DueQueue()
  /** Of these, how many came in the present turn of the schedule. */
  fresh = 0
  /** Whether requests can be given to it: its connection is there, or is being made for the first time or anew. */
  isUsable = true
  /** What is counted of its target, where there are several. */
  readonly target: TargetStats | undefined
  readonly #plan: WorkerPlan
  readonly #number: number
  readonly #payload: Uint8Array | PayloadPool
  readonly #listener: SlotListener
  #connection: LoadConnection | undefined
  /** Connections that we have ended, and the server not yet. */
  readonly #ending = new Set<LoadConnection>()
  /** Requests sent on its connections before the present one. */
  #sentBefore = 0
  #destroyed = false
  #mismatched = 0
  #duplicates = 0

  /** @param number which of its worker's slots it is, from 0 */
  constructor(
    plan: WorkerPlan,
    number: number,
    payload: Uint8Array | PayloadPool,
    target: TargetStats | undefined,
    listener: SlotListener,
  ) {
    this.#plan = plan
    this.#number = number
    this.#payload = payload
    this.target = target
    this.#listener = listener
  }

  /** @throws ClientError when the connection can't be made */
  async open(): Promise<void> {
    const { locations, dialect, window, timeout, tls, credentials, reconnectEvery, worker, workers } = this.#plan
    const { target } = this
    const listener = this.#listener
    const connection: LoadConnection = await openLoadConnection(
      {
        ...locations[this.#number],
        dialect,
        timeout,
        window: reconnectEvery > 0 ? Math.min(window, reconnectEvery) : window,
        payload: this.#payload,
        firstPayload: this.#number * workers + worker + this.#sentBefore,
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

  /** How many requests its present connection can take, or the one that is being made, whenever there is room. */
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

  /** Whether answers may come still over a connection that we have ended. */
  get isEnding(): boolean {
    return this.#ending.size > 0
  }

  /** Sends at most so many requests, now due. @returns how many */
  sendNow(most: number): number {
    const count = Math.min(most, this.room)
    return this.#send(count, () => this.#connection?.send(count))
  }

  /** Sends at most so many requests. @returns how many */
  sendDue(most: number, nextDue: () => number): number {
    const count = Math.min(most, this.room)
    return this.#send(count, () => this.#connection?.send(count, nextDue))
  }

  /** How many requests wait for their answer since before a time, in milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    return this.#connection?.overdue(sentBefore) ?? 0
  }

  /** Calls for each request that waits for its answer. */
  forEachUnanswered(visit: (dueAt: number, sentAt: number) => void): void {
    this.#connection?.forEachUnanswered(visit)
  }

  /** Ends the connection and makes another one, if it has sent all that it may and was answered. */
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
  return new ClientError('ERR_CLIENT_CONNECT', error instanceof Error ? error.message : String(error), { cause: error })
}
