import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnsweredRun, type ClientError, PayloadPool } from '@demo/client-sim'
import { ConnectionSlot } from './connection-slot.ts'
import { explain } from './explain.ts'
import { LoadStats } from './load-stats.ts'
import {
  type Limit,
  type LoadWorker,
  type ProgressSample,
  SAMPLE_INTERVAL,
  type WorkerOutcome,
  type WorkerPlan,
} from './load-worker.ts'
import { LoopDelay } from './loop-delay.ts'
import { createPacer, type Pacer } from './pacer.ts'
import { PreciseTimer } from './precise-timer.ts'

const CONNECTS_AT_ONCE = 256
const STALL_POLL = 20
const NO_LIMIT = Number.POSITIVE_INFINITY

/**
 * The least time between two looks at the schedule, in milliseconds: what is due in between leaves together, and may be
 * so late for it.
 */
const REST = 0.05

/** How many requests are looked at in one turn of the event loop: the rest comes in the next, after answers and signals. */
const TURN = 16_384

/**
 * How many requests may wait for room, on all slots together: 32 MiB. What is due beyond that is counted, as due and never
 * sent, and kept nowhere.
 */
const MOST_WAITING = 2 ** 22

/** How often requests that wait for too long are counted while the load is made, in milliseconds. */
const OVERDUE_INTERVAL = 1000

/** How long what is overdue at the end may be looked at, in milliseconds. */
const AT_THE_END = 50

/** One worker's load, in the thread it is made in. */
export class LocalLoadWorker implements LoadWorker {
  readonly #plan: WorkerPlan
  readonly #onSample: (sample: ProgressSample) => void
  /** All that are there still. */
  readonly #slots: ConnectionSlot[] = []
  /** Those that were lost. */
  readonly #gone: ConnectionSlot[] = []
  readonly #loop = new LoopDelay()
  #samples: NodeJS.Timeout | undefined
  /** When samples began to be counted, and how many there were. */
  #samplesSince = 0
  #sampleCount = 0
  readonly #timer = new PreciseTimer(
    () => this.#look(),
    () => this.#work,
  )
  /** Grows with whatever is done. */
  #work = 0
  #stats: LoadStats
  #limit: Limit = { amount: undefined, duration: 0 }
  /** Requests that may still be sent, or be due. */
  #left = 0
  /** The open model's: when it began, when nothing is due any more, and whose turn it is. */
  #pacer: Pacer | undefined
  #began = 0
  #until = 0
  #turn = 0
  /** Requests that wait for room, on all slots. */
  #waiting = 0
  #inTime = { sent: 0, acks: 0, duration: 0, scheduled: 0, sending: 0, busy: 0 }
  #stopped = false
  /** Aborts with `stop`. */
  readonly #stopping = new AbortController()
  readonly #aborted = once(this.#stopping.signal, 'abort')
  #finished = false
  #slice = -1
  readonly #errors = new Map<string, number>()
  #newErrors = 0
  /** Requests that were due before the last sample. */
  #dueBefore = 0
  /** When requests that wait for too long were counted last, and how many there were. */
  #overdueAt = 0
  #overdueThen = 0
  #whenIdle: (() => void)[] = []

  constructor(plan: WorkerPlan, onSample: (sample: ProgressSample) => void) {
    this.#plan = plan
    this.#onSample = onSample
    this.#stats = this.#newStats(NO_LIMIT)
    this.#beatFrom(performance.now())
  }

  async connect(): Promise<void> {
    const { locations, payloads, connectInterval, connectAfter } = this.#plan
    const payload = payloads.length === 1 ? payloads[0] : new PayloadPool(payloads)
    const began = performance.now() + connectAfter
    const opening = new Set<Promise<void>>()
    let failure: unknown
    for (let number = 0; number < locations.length && failure === undefined && !this.#stopped; number++) {
      const wait = began + number * connectInterval - performance.now()
      if (wait > 0) await sleep(wait, undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (opening.size >= CONNECTS_AT_ONCE) await Promise.race([...opening, this.#aborted])
      if (this.#stopped) break
      const slot = new ConnectionSlot(this.#plan, number, payload, {
        answered: (run) => this.#answered(run),
        room: (one) => this.#room(one),
        reconnected: (one) => this.#reconnected(one),
        lost: (one, error) => this.#lost(one, error),
        ended: () => this.#wakeIfIdle(),
      })
      this.#slots.push(slot)
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

  async begin(): Promise<void> {
    this.#send(NO_LIMIT, NO_LIMIT, performance.now())
  }

  async count(limit: Limit): Promise<void> {
    const { amount, duration } = limit
    this.#limit = limit
    const now = performance.now()
    // What the warm-up did not get to would take the load's time.
    this.#pass(now)
    this.#stats = this.#newStats(now)
    this.#loop.reset()
    this.#dueBefore = 0
    this.#timer.idle = 0
    this.#slice = 0
    this.#beatFrom(now)
    this.#send(amount ?? NO_LIMIT, amount === undefined && duration > 0 ? now + duration : NO_LIMIT, now)
  }

  async done(): Promise<void> {
    const idle = this.#idle()
    await (this.#limit.amount === undefined || this.#stopped ? idle : Promise.race([idle, this.#stalled()]))
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#stopping.abort()
    const { sent, requests, acks, acksArrived, since, lastSentAt } = this.#stats
    const now = performance.now()
    this.#until = Math.min(this.#until, now)
    if (this.#stats.counts) {
      const [duration, scheduled] = [now - since, this.#until - since]
      // An amount is over when it is, and not when the last answer to it came; what the warm-up left is no part of it.
      const whole = this.#limit.amount !== undefined
      const sending = this.#pacer === undefined ? duration : whole ? Math.max(scheduled, lastSentAt - since) : scheduled
      const busy = Math.max(0, this.#loop.busy() - this.#timer.idle / duration)
      this.#inTime = {
        ...{ sent: whole ? requests : sent, acks: whole ? acks : acksArrived },
        ...{ duration, scheduled, sending, busy },
      }
    }
    if (this.#pacer === undefined) this.#left = 0
    else this.#offerTheRest(now)
    this.#wakeIfIdle()
  }

  async finish(): Promise<WorkerOutcome> {
    await this.stop()
    const { busy } = this.#inTime
    this.#sample()
    this.#finished = true
    clearTimeout(this.#samples)
    this.#loop.close()
    const overdue = this.#overdue()
    const { mismatched, duplicates } = this.#strangers()
    for (const slot of [...this.#slots, ...this.#gone]) slot.destroy()
    this.#timer.close()
    // A warm-up is counted for the live view only.
    const stats = this.#stats.counts ? this.#stats : this.#newStats(NO_LIMIT)
    const { offered, requests, acks, failedAcks, late, waited, reconnects } = stats
    return {
      ...{ offered, requests, acks, failedAcks, late, waited, reconnects, mismatched, duplicates, overdue, busy },
      sentInTime: this.#inTime.sent,
      arrivedInTime: this.#inTime.acks,
      duration: this.#inTime.duration,
      scheduled: this.#inTime.scheduled,
      sending: this.#inTime.sending,
      unsent: this.#unsent(),
      errors: [...this.#errors],
      responseTimes: stats.responseTimes.pack(),
      serviceTimes: stats.serviceTimes?.pack(),
      lags: stats.lags?.pack(),
      loopDelays: this.#loop.delays.pack(),
    }
  }

  #newStats(since: number): LoadStats {
    return new LoadStats(since, this.#plan.timeout, this.#plan.schedule !== undefined)
  }

  /** Sends so many requests from now on, until a time. */
  #send(most: number, until: number, now: number): void {
    this.#left = most
    this.#until = until
    const { schedule } = this.#plan
    if (schedule === undefined) {
      for (const slot of this.#slots) this.#fill(slot)
      return
    }
    if (this.#pacer === undefined) {
      this.#pacer = createPacer(schedule)
      this.#began = now
      this.#look()
    }
  }

  // The closed model: whatever has room is filled.

  #fill(slot: ConnectionSlot): void {
    const sent = slot.sendNow(this.#left)
    this.#left -= sent
    this.#stats.requests += sent
    this.#stats.sent += sent
  }

  // The open model: what is due is sent, whatever became of what was due before.

  /** Looks at the schedule, and is called when there is something to see again. */
  #look(): void {
    const schedule = this.#pacer
    if (schedule === undefined || this.#finished) return
    this.#offer(performance.now())
    const next = this.#began + schedule.next
    const now = performance.now()
    if (!this.#mayOffer()) this.#wakeIfIdle()
    // Who is late by more than a rest takes none.
    else this.#timer.callAt(next < now - REST ? now : Math.max(now + REST, next))
  }

  /** Offers what was due by now, though nobody has looked at it yet; of what would take long it only says how many. */
  #offerTheRest(now: number): void {
    const since = performance.now()
    while (this.#isDue(now) && performance.now() - since < AT_THE_END) this.#offer(now)
    this.#pass(now)
  }

  #mayOffer(): boolean {
    const { next = NO_LIMIT } = this.#pacer ?? {}
    return this.#left > 0 && this.#began + next < this.#until && this.#slots.length > 0
  }

  #isDue(now: number): boolean {
    return this.#mayOffer() && this.#began + (this.#pacer?.next ?? NO_LIMIT) <= now
  }

  /** Counts what is due before a time, and never gives it to anybody. */
  #pass(before: number): void {
    const schedule = this.#pacer
    if (schedule === undefined || this.#slots.length === 0) return
    const stats = this.#stats
    const until = Math.min(before, this.#until)
    schedule.skip(this.#began, Math.min(until, stats.since), NO_LIMIT)
    const passed = schedule.skip(this.#began, until, this.#left)
    stats.offered += passed
    this.#left -= passed
    if (this.#left === 0) this.#endSchedule()
  }

  /** Gives what is due by now to the slots, in turn, and sends it: as much of it as a turn and memory are for. */
  #offer(now: number): void {
    const schedule = this.#pacer
    if (schedule === undefined) return
    const most = Math.min(TURN, MOST_WAITING - this.#waiting)
    if (most <= 0) {
      this.#pass(now)
      return
    }
    const first = this.#turn
    let count = 0
    for (; count < most && this.#isDue(now); count++) {
      const dueAt = this.#began + schedule.next
      const slot = this.#slots[this.#turn]
      this.#turn = (this.#turn + 1) % this.#slots.length
      slot.due.push(dueAt)
      slot.fresh += 1
      schedule.advance()
      // What was due in the warm-up, and nobody has looked at until now, is no part of an amount.
      if (dueAt < this.#stats.since) continue
      this.#stats.offered += 1
      this.#left -= 1
    }
    if (this.#left === 0) this.#endSchedule()
    this.#waiting += count
    const touched = Math.min(count, this.#slots.length)
    for (let i = 0; i < touched; i++) this.#sendFresh(this.#slots[(first + i) % this.#slots.length], now)
  }

  /** All of an amount was due: nothing is any more, from when the next request would have been. */
  #endSchedule(): void {
    this.#until = Math.min(this.#until, this.#began + (this.#pacer?.next ?? NO_LIMIT))
  }

  /** Sends what has just become due; what finds no room was looked at now, and waits. */
  #sendFresh(slot: ConnectionSlot, now: number): void {
    this.#sendDue(slot)
    const left = Math.min(slot.fresh, slot.due.length)
    for (let place = left; place > 0; place--) {
      const dueAt = slot.due.fromEnd(place)
      this.#stats.lagged(dueAt, now - dueAt)
      if (dueAt >= this.#stats.since) this.#stats.waited += 1
    }
    slot.fresh = 0
  }

  #sendDue(slot: ConnectionSlot): void {
    if (slot.due.length === 0) return
    const stats = this.#stats
    const { length } = slot.due
    const waited = length - slot.fresh
    const now = performance.now()
    let taken = 0
    const sent = slot.sendDue(length, () => {
      const dueAt = slot.due.shift()
      if (dueAt >= stats.since) {
        stats.requests += 1
        if (taken >= waited) stats.lagged(dueAt, now - dueAt)
      }
      taken += 1
      return dueAt
    })
    stats.sent += sent
    if (sent > 0) stats.lastSentAt = now
    this.#waiting -= sent
    this.#work += 1
  }

  // What slots tell.

  #answered(run: Readonly<AnsweredRun>): void {
    this.#work += 1
    this.#stats.answered(run)
  }

  #room(slot: ConnectionSlot): void {
    if (this.#pacer !== undefined) this.#sendDue(slot)
    else if (this.#left > 0) this.#fill(slot)
    if (this.#plan.reconnectEvery > 0 && this.#wantsMore(slot)) slot.renew()
    if (this.#left === 0 || this.#stopped) this.#wakeIfIdle()
  }

  /** Whether there will be something to send on it, if no other is lost: a connection is not made for nothing. */
  #wantsMore(slot: ConnectionSlot): boolean {
    if (slot.due.length > 0) return true
    if (this.#stopped) return false
    return this.#pacer === undefined ? this.#left > this.#capacity() : this.#left > this.#turnsUntil(slot)
  }

  /** What the connections that are there, or being made, can take before one more must be made anew. */
  #capacity(): number {
    const { reconnectEvery } = this.#plan
    // Far from the end of the load nobody has to look at each.
    if (this.#left === NO_LIMIT || this.#left > this.#slots.length * reconnectEvery) return 0
    let capacity = 0
    for (const slot of this.#slots) capacity += slot.capacity
    return capacity
  }

  /** How many slots get a request before it does. */
  #turnsUntil(slot: ConnectionSlot): number {
    const { length } = this.#slots
    if (this.#left >= length) return 0
    return (this.#slots.indexOf(slot) - this.#turn + length) % length
  }

  /** Makes connections anew that were not needed until another one was lost. */
  #renewIdle(): void {
    if (this.#plan.reconnectEvery === 0) return
    for (const slot of this.#slots) if (this.#wantsMore(slot)) slot.renew()
  }

  #reconnected(slot: ConnectionSlot): void {
    if (this.#stats.counts) this.#stats.reconnects += 1
    this.#room(slot)
  }

  #lost(slot: ConnectionSlot, error: ClientError): void {
    const message = explain(error)
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1)
    this.#newErrors += 1
    this.#gone.push(slot)
    const at = this.#slots.indexOf(slot)
    if (at >= 0) this.#slots.splice(at, 1)
    if (at >= 0 && at < this.#turn) this.#turn -= 1
    if (this.#turn >= this.#slots.length) this.#turn = 0
    this.#handOver(slot)
    this.#renewIdle()
    this.#wakeIfIdle()
  }

  /** What waited for room on a slot that is lost waits on the others, due when it always was. */
  #handOver(lost: ConnectionSlot): void {
    for (let i = 0; lost.due.length > 0 && this.#slots.length > 0; i++) {
      this.#slots[i % this.#slots.length].due.push(lost.due.shift())
    }
    for (const slot of this.#slots) this.#sendDue(slot)
  }

  // The end.

  get #inFlight(): number {
    let inFlight = 0
    for (const slot of this.#slots) inFlight += slot.inFlight
    return inFlight
  }

  #isIdle(): boolean {
    // An answer that nobody waits for may be the last thing that a server says.
    if (this.#stopped && [...this.#slots, ...this.#gone].some((slot) => slot.isEnding)) return false
    if (this.#slots.length === 0) return true
    if (this.#pacer === undefined) return this.#left === 0 && this.#inFlight === 0
    return this.#waiting <= 0 && !this.#mayOffer() && this.#inFlight === 0
  }

  #wakeIfIdle(): void {
    if (this.#whenIdle.length === 0 || !this.#isIdle()) return
    for (const wake of this.#whenIdle.splice(0)) wake()
  }

  async #idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  /** Settles when requests wait for their answers, and none was answered for the timeout; or when the load ended. */
  async #stalled(): Promise<void> {
    const timeout = this.#plan.timeout === 0 ? NO_LIMIT : this.#plan.timeout
    let arrived = -1
    let since = performance.now()
    while (!this.#finished && !this.#stopped) {
      const waits = this.#inFlight > 0 || this.#waiting > 0
      if (this.#stats.acksArrived !== arrived || !waits) since = performance.now()
      arrived = this.#stats.acksArrived
      if (performance.now() - since >= timeout) return
      await sleep(STALL_POLL)
    }
  }

  /** Requests that count, wait for their answers, and do so for longer than they may. */
  #overdue(): number {
    const { timeout } = this.#plan
    const { since, requests, acks } = this.#stats
    if (timeout === 0 || !this.#stats.counts) return 0
    const before = performance.now() - timeout
    let overdue = 0
    for (const slot of this.#slots) overdue += Math.max(0, slot.overdue(before) - slot.overdue(since))
    return Math.min(overdue, requests - acks)
  }

  #unsent(): number {
    return this.#pacer === undefined ? 0 : Math.max(0, this.#stats.offered - this.#stats.requests)
  }

  /** As it was at most a second ago: it looks at each request that waits. */
  #overdueNow(): number {
    const now = performance.now()
    if (this.#plan.timeout === 0 || now - this.#overdueAt < OVERDUE_INTERVAL) return this.#overdueThen
    this.#overdueAt = now
    this.#overdueThen = 0
    for (const slot of this.#slots) this.#overdueThen += slot.overdue(now - this.#plan.timeout)
    return this.#overdueThen
  }

  /** Answers that nobody waited for, on all slots that ever were. */
  #strangers(): { mismatched: number; duplicates: number } {
    let [mismatched, duplicates] = [0, 0]
    for (const slot of [...this.#slots, ...this.#gone]) {
      mismatched += slot.mismatched
      duplicates += slot.duplicates
    }
    return { mismatched, duplicates }
  }

  /** Pulses from now on, at whole intervals since then: a timer that is late makes none of the next ones late. */
  #beatFrom(since: number): void {
    this.#samplesSince = since
    this.#sampleCount = 0
    this.#beat()
  }

  #beat(): void {
    clearTimeout(this.#samples)
    const now = performance.now()
    this.#sampleCount = Math.max(this.#sampleCount, Math.floor((now - this.#samplesSince) / SAMPLE_INTERVAL)) + 1
    const wait = this.#samplesSince + this.#sampleCount * SAMPLE_INTERVAL - now
    this.#samples = setTimeout(() => {
      this.#sample()
      this.#beat()
    }, wait)
  }

  #sample(): void {
    const { sample, counts, since } = this.#stats
    const at = counts ? performance.now() - since : 0
    let slice = -1
    if (counts) {
      // The timer is a little late as a rule, or early; and where it was very late, a slice more is empty.
      slice = Math.max(this.#slice, Math.floor(at / SAMPLE_INTERVAL + 0.05) - 1)
      this.#slice = slice + 1
    }
    this.#onSample({
      slice,
      at,
      acks: sample.acks,
      failedAcks: sample.failedAcks,
      connectionsLost: this.#newErrors,
      late: sample.late,
      due: counts && this.#pacer !== undefined ? this.#stats.offered - this.#dueBefore : 0,
      unsent: this.#unsent(),
      overdue: this.#overdueNow(),
      inFlight: this.#inFlight,
      connections: this.#slots.filter((slot) => slot.isOpen).length,
      connectionsDown: this.#gone.length,
      responseTimes: sample.responseTimes.pack(),
    })
    this.#newErrors = 0
    this.#dueBefore = this.#stats.offered
    sample.acks = sample.failedAcks = sample.late = 0
    sample.responseTimes.clear()
  }
}
