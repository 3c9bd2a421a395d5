import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnsweredRun, type ClientError, PayloadPool } from '@demo/client-sim'
import { ConnectionSlot, type SlotListener } from './connection-slot.ts'
import { explainError } from './explain-error.ts'
import type { WorkerPlan } from './load-worker.ts'
import { OutageLog } from './outage-log.ts'
import { MAX_CONNECTING, type ReconnectListener, Reconnector } from './reconnector.ts'
import { TargetStats } from './target-stats.ts'

/** What all slots together report. */
export interface SlotsListener {
  answered(run: Readonly<AnsweredRun>): void
  room(slot: ConnectionSlot): void
  /** We ended a connection and opened the next one. */
  renewed(slot: ConnectionSlot): void
  /** A request was lost with its connection. */
  unanswered(dueAt: number, sentAt: number): void
  lost(slot: ConnectionSlot): void
  ended(): void
  /** Whether a lost connection is needed again. */
  readonly wantsConnections: boolean
}

/** The connections of one worker. */
export class ConnectionSlots implements SlotListener, ReconnectListener {
  readonly all: ConnectionSlot[] = []
  /** How many slots accept requests. */
  usable = 0
  /** Connections lost since this was last set to 0. */
  newlyLost = 0
  readonly outages = new OutageLog()
  readonly targets: readonly TargetStats[]
  /** How many connections were lost with each error. 0: the error only made a reconnect fail. */
  readonly errors = new Map<string, number>()
  readonly #plan: WorkerPlan
  readonly #listener: SlotsListener
  readonly #reconnector: Reconnector
  /** When the last usable slot was lost. */
  #allLostAt = 0
  /** Aborts with `stop`. */
  readonly #stopping = new AbortController()
  readonly #aborted = once(this.#stopping.signal, 'abort')

  constructor(plan: WorkerPlan, listener: SlotsListener) {
    this.#plan = plan
    this.#listener = listener
    this.#reconnector = new Reconnector(plan, this)
    this.targets = plan.targets.map((target) => new TargetStats(target, plan.timeout))
  }

  /** Opens all. @throws ClientError when a connection can't be opened */
  async open(): Promise<void> {
    const { locations, payloads, connectInterval, connectAfter } = this.#plan
    const [first] = payloads
    const payload = first !== undefined && payloads.length === 1 ? first : new PayloadPool(payloads)
    const began = performance.now() + connectAfter
    const opening = new Set<Promise<void>>()
    let failure: unknown
    for (const [number, location] of locations.entries()) {
      if (failure !== undefined || this.#isStopped) break
      const connectAt = began + number * connectInterval
      this.#reconnector.nextConnectAt = connectAt
      const wait = connectAt - performance.now()
      if (wait > 0) await sleep(wait, undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (opening.size >= MAX_CONNECTING) await Promise.race([...opening, this.#aborted])
      if (this.#isStopped) break
      const slot = new ConnectionSlot(this.#plan, { number, location, payload, target: this.#targetOf(number) }, this)
      this.all.push(slot)
      this.usable += 1
      const opened = slot.open().catch((error: unknown) => {
        failure ??= error
      })
      opening.add(opened)
      opened.then(() => opening.delete(opened))
    }
    // After `stop`, a connection that is still being opened is ended as soon as it is open.
    await Promise.race([Promise.all(opening), this.#aborted])
    if (failure !== undefined) throw failure
  }

  get inFlight(): number {
    let inFlight = 0
    for (const slot of this.all) inFlight += slot.inFlight
    return inFlight
  }

  /** Connections that are open. */
  get connected(): number {
    return this.all.filter((slot) => slot.isOpen).length
  }

  /** Whether answers may still come over a connection that we have ended. */
  get isEnding(): boolean {
    return this.all.some((slot) => slot.isEnding)
  }

  /** Whether all are lost, and were at a time, in milliseconds on the monotonic clock. */
  areLostSince(time: number): boolean {
    return this.usable === 0 && this.#allLostAt <= time
  }

  /** Whether all are lost for good. */
  get areGone(): boolean {
    return this.usable === 0 && (this.#plan.noReconnect || this.#isStopped)
  }

  get mismatched(): number {
    return this.all.reduce((sum, slot) => sum + slot.mismatched, 0)
  }

  get duplicates(): number {
    return this.all.reduce((sum, slot) => sum + slot.duplicates, 0)
  }

  /** How many requests were sent before a time and wait for their answer. In milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    return this.all.reduce((sum, slot) => sum + slot.overdue(sentBefore), 0)
  }

  /** Resets what is counted of targets and outages. */
  countFrom(now: number): void {
    this.outages.startFrom(now)
    for (const target of this.targets) target.countFrom(now)
  }

  /** Stops reconnecting; also ends `open`. */
  stop(now: number): void {
    this.#stopping.abort()
    this.outages.stop(now)
    for (const target of this.targets) target.stop()
    this.#reconnector.stop()
  }

  destroy(): void {
    for (const slot of this.all) slot.destroy()
  }

  // Reports of slots.

  answered(run: Readonly<AnsweredRun>): void {
    this.#listener.answered(run)
  }

  room(slot: ConnectionSlot): void {
    this.#listener.room(slot)
  }

  renewed(slot: ConnectionSlot): void {
    this.#listener.renewed(slot)
  }

  unanswered(slot: ConnectionSlot, dueAt: number, sentAt: number): void {
    slot.target?.unanswered(dueAt)
    this.#listener.unanswered(dueAt, sentAt)
  }

  lost(slot: ConnectionSlot, error: ClientError, hadAnswered: boolean): void {
    this.usable -= 1
    this.newlyLost += 1
    this.#countError(error, 1)
    if (slot.target !== undefined) slot.target.errors += 1
    const now = performance.now()
    this.outages.lost(now)
    if (this.usable === 0) this.#allLostAt = now
    if (hadAnswered) this.#reconnector.resetBackoff(slot)
    this.#listener.lost(slot)
    if (!this.#plan.noReconnect) this.#reconnector.schedule(slot)
  }

  ended(): void {
    this.#listener.ended()
  }

  // Questions and reports of the reconnector.

  get wantsConnections(): boolean {
    return this.#listener.wantsConnections
  }

  reconnected(slot: ConnectionSlot): void {
    this.usable += 1
    this.outages.reconnected(performance.now())
    this.#listener.room(slot)
  }

  reconnectFailed(error: ClientError): void {
    this.#countError(error, 0)
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  #countError(error: ClientError, count: number): void {
    const message = explainError(error)
    this.errors.set(message, (this.errors.get(message) ?? 0) + count)
  }

  #targetOf(number: number): TargetStats | undefined {
    const { worker, workers } = this.#plan
    return this.targets[(number * workers + worker) % Math.max(1, this.targets.length)]
  }
}
