import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnsweredRun, type ClientError, PayloadPool } from '@demo/client-sim'
import { Backoff } from './backoff.ts'
import { asClientError, ConnectionSlot, type SlotListener } from './connection-slot.ts'
import { explainError } from './explain-error.ts'
import type { WorkerPlan } from './load-worker.ts'
import { OutageLog } from './outage-log.ts'
import { TargetStats } from './target-stats.ts'

const CONNECTS_AT_ONCE = 256

/** What all slots together report. */
export interface SlotsListener {
  answered(run: Readonly<AnsweredRun>): void
  room(slot: ConnectionSlot): void
  /** A connection was ended by us, and made anew. */
  renewed(slot: ConnectionSlot): void
  /** A request was lost with its connection. */
  unanswered(dueAt: number, sentAt: number): void
  lost(slot: ConnectionSlot): void
  ended(): void
  /** Whether a lost connection is needed again. */
  readonly wantsConnections: boolean
}

/** The connections of one worker: opens them, and makes those again that are lost. */
export class ConnectionSlots implements SlotListener {
  readonly all: ConnectionSlot[] = []
  /** How many of them can be given requests. */
  usable = 0
  /** Connections that were lost since this was set to 0. */
  newlyLost = 0
  readonly outages = new OutageLog()
  readonly targets: readonly TargetStats[]
  /** What connections were lost to, and how often; 0 is what only kept one from being made again. */
  readonly errors = new Map<string, number>()
  readonly #plan: WorkerPlan
  readonly #listener: SlotsListener
  readonly #backoffs = new Map<ConnectionSlot, Backoff>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Those that are lost and whose time has come to be made again: no more than some are made at once. */
  readonly #queue: ConnectionSlot[] = []
  #connecting = 0
  /** When the last one was lost that could be given requests. */
  #allLostAt = 0
  /** When the next connection may be opened, where there is a rate for that. */
  #nextAt = 0
  /** Aborts with `stop`. */
  readonly #stopping = new AbortController()
  readonly #aborted = once(this.#stopping.signal, 'abort')

  constructor(plan: WorkerPlan, listener: SlotsListener) {
    this.#plan = plan
    this.#listener = listener
    this.targets = plan.targets.map((target) => new TargetStats(target, plan.timeout))
  }

  /** Opens all. @throws ClientError when one of them can't be made */
  async open(): Promise<void> {
    const { locations, payloads, connectInterval, connectAfter } = this.#plan
    const payload = payloads.length === 1 ? payloads[0] : new PayloadPool(payloads)
    const began = performance.now() + connectAfter
    const opening = new Set<Promise<void>>()
    let failure: unknown
    for (let number = 0; number < locations.length && failure === undefined && !this.#isStopped; number++) {
      this.#nextAt = began + number * connectInterval
      const wait = this.#nextAt - performance.now()
      if (wait > 0) await sleep(wait, undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (opening.size >= CONNECTS_AT_ONCE) await Promise.race([...opening, this.#aborted])
      if (this.#isStopped) break
      const slot = new ConnectionSlot(this.#plan, number, payload, this.#targetOf(number), this)
      this.all.push(slot)
      this.usable += 1
      const opened = slot.open().catch((error: unknown) => {
        failure ??= error
      })
      opening.add(opened)
      opened.then(() => opening.delete(opened))
    }
    // Those that are still being opened when it stops are ended as soon as they are there.
    await Promise.race([Promise.all(opening), this.#aborted])
    if (failure !== undefined) throw failure
  }

  get inFlight(): number {
    let inFlight = 0
    for (const slot of this.all) inFlight += slot.inFlight
    return inFlight
  }

  /** Connections that are there. */
  get connected(): number {
    return this.all.filter((slot) => slot.isOpen).length
  }

  /** Whether answers may come still over a connection that we have ended. */
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

  /** How many requests wait for their answer since before a time, in milliseconds on the monotonic clock. */
  overdue(sentBefore: number): number {
    return this.all.reduce((sum, slot) => sum + slot.overdue(sentBefore), 0)
  }

  /** What is counted of targets and outages begins anew. */
  countFrom(now: number): void {
    this.outages.startFrom(now)
    for (const target of this.targets) target.countFrom(now)
  }

  /** No connection is made again; also ends `open`. */
  stop(now: number): void {
    this.#stopping.abort()
    this.outages.stop(now)
    for (const target of this.targets) target.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queue.length = 0
  }

  destroy(): void {
    for (const slot of this.all) slot.destroy()
  }

  // What slots report.

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
    this.#note(error, 1)
    if (slot.target !== undefined) slot.target.errors += 1
    const now = performance.now()
    this.outages.lost(now)
    if (this.usable === 0) this.#allLostAt = now
    if (hadAnswered) this.#backoffs.get(slot)?.reset()
    this.#listener.lost(slot)
    if (!this.#plan.noReconnect) this.#scheduleReconnect(slot)
  }

  ended(): void {
    this.#listener.ended()
  }

  // Making lost connections again.

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  #scheduleReconnect(slot: ConnectionSlot): void {
    if (this.#isStopped) return
    let backoff = this.#backoffs.get(slot)
    if (backoff === undefined) {
      backoff = new Backoff(this.#plan.locations.length)
      this.#backoffs.set(slot, backoff)
    }
    this.#after(backoff.next(), () => {
      this.#queue.push(slot)
      this.#reconnectNext()
    })
  }

  #reconnectNext(): void {
    while (this.#queue.length > 0 && this.#connecting < CONNECTS_AT_ONCE && !this.#isStopped) {
      const now = performance.now()
      if (this.#nextAt > now) {
        this.#after(this.#nextAt - now, () => this.#reconnectNext())
        return
      }
      const slot = this.#queue.shift()
      if (slot === undefined) return
      this.#nextAt = now + this.#plan.connectInterval
      this.#reconnect(slot)
    }
  }

  #reconnect(slot: ConnectionSlot): void {
    if (!this.#listener.wantsConnections) {
      this.#scheduleReconnect(slot)
      return
    }
    this.#connecting += 1
    slot
      .open()
      .then(
        () => this.#reconnected(slot),
        (error: unknown) => {
          this.#note(asClientError(error), 0)
          this.#scheduleReconnect(slot)
        },
      )
      .finally(() => {
        this.#connecting -= 1
        this.#reconnectNext()
      })
  }

  #reconnected(slot: ConnectionSlot): void {
    this.usable += 1
    this.outages.reconnected(performance.now())
    this.#listener.room(slot)
  }

  #note(error: ClientError, count: number): void {
    const message = explainError(error)
    this.errors.set(message, (this.errors.get(message) ?? 0) + count)
  }

  #after(milliseconds: number, call: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      call()
    }, milliseconds)
    this.#timers.add(timer)
  }

  #targetOf(number: number): TargetStats | undefined {
    const { worker, workers } = this.#plan
    return this.targets[(number * workers + worker) % Math.max(1, this.targets.length)]
  }
}
