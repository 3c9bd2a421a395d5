import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnsweredRun, type ClientError, PayloadPool } from '@demo/client-sim'
import { explain } from './explain.ts'
import { Lane } from './lane.ts'
import { LoopDelay } from './loop-delay.ts'
import { Pacer } from './pacer.ts'
import { createSchedule, type Schedule } from './schedule.ts'
import { type Limit, PULSE_INTERVAL, type Pulse, type Share, type ShareOutcome, type SharePlan } from './share.ts'
import { Tally } from './tally.ts'

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
 * How many requests may wait for room, on all lanes together: 32 MiB. What is due beyond that is counted, as due and never
 * sent, and kept nowhere.
 */
const MOST_WAITING = 2 ** 22

/** How often requests that wait for too long are counted while the load is made, in milliseconds. */
const OVERDUE_INTERVAL = 1000

/** How long what is overdue at the end may be looked at, in milliseconds. */
const AT_THE_END = 50

/** One worker's load, in the thread it is made in. */
export class Load implements Share {
  readonly #plan: SharePlan
  readonly #onPulse: (pulse: Pulse) => void
  /** All that are there still. */
  readonly #lanes: Lane[] = []
  /** Those that were lost. */
  readonly #gone: Lane[] = []
  readonly #loop = new LoopDelay()
  #pulses: NodeJS.Timeout | undefined
  /** When pulses began to be counted, and how many there were. */
  #pulsesSince = 0
  #pulseCount = 0
  readonly #pacer = new Pacer(
    () => this.#look(),
    () => this.#work,
  )
  /** Grows with whatever is done. */
  #work = 0
  #tally: Tally
  #limit: Limit = { amount: undefined, duration: 0 }
  /** Requests that may still be sent, or be due. */
  #left = 0
  /** The open model's: when it began, when nothing is due any more, and whose turn it is. */
  #schedule: Schedule | undefined
  #began = 0
  #until = 0
  #turn = 0
  /** Requests that wait for room, on all lanes. */
  #waiting = 0
  #inTime = { sent: 0, acks: 0, duration: 0, scheduled: 0, sending: 0, busy: 0 }
  #stopped = false
  /** Aborts with `stop`. */
  readonly #stopping = new AbortController()
  readonly #aborted = once(this.#stopping.signal, 'abort')
  #finished = false
  #slot = -1
  readonly #errors = new Map<string, number>()
  #newErrors = 0
  /** Requests that were due before the last pulse. */
  #dueBefore = 0
  /** When requests that wait for too long were counted last, and how many there were. */
  #overdueAt = 0
  #overdueThen = 0
  #whenIdle: (() => void)[] = []

  constructor(plan: SharePlan, onPulse: (pulse: Pulse) => void) {
    this.#plan = plan
    this.#onPulse = onPulse
    this.#tally = this.#newTally(NO_LIMIT)
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
      const lane = new Lane(this.#plan, number, payload, {
        answered: (run) => this.#answered(run),
        room: (one) => this.#room(one),
        reconnected: (one) => this.#reconnected(one),
        lost: (one, error) => this.#lost(one, error),
        ended: () => this.#wakeIfIdle(),
      })
      this.#lanes.push(lane)
      const opened = lane.open().catch((error: unknown) => {
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
    this.#tally = this.#newTally(now)
    this.#loop.reset()
    this.#dueBefore = 0
    this.#pacer.idle = 0
    this.#slot = 0
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
    const { sent, requests, acks, acksArrived, since, lastSentAt } = this.#tally
    const now = performance.now()
    this.#until = Math.min(this.#until, now)
    if (this.#tally.counts) {
      const [duration, scheduled] = [now - since, this.#until - since]
      // An amount is over when it is, and not when the last answer to it came; what the warm-up left is no part of it.
      const whole = this.#limit.amount !== undefined
      const sending =
        this.#schedule === undefined ? duration : whole ? Math.max(scheduled, lastSentAt - since) : scheduled
      const busy = Math.max(0, this.#loop.busy() - this.#pacer.idle / duration)
      this.#inTime = {
        ...{ sent: whole ? requests : sent, acks: whole ? acks : acksArrived },
        ...{ duration, scheduled, sending, busy },
      }
    }
    if (this.#schedule === undefined) this.#left = 0
    else this.#offerTheRest(now)
    this.#wakeIfIdle()
  }

  async finish(): Promise<ShareOutcome> {
    await this.stop()
    const { busy } = this.#inTime
    this.#pulse()
    this.#finished = true
    clearTimeout(this.#pulses)
    this.#loop.close()
    const overdue = this.#overdue()
    const { mismatched, duplicates } = this.#strangers()
    for (const lane of [...this.#lanes, ...this.#gone]) lane.destroy()
    this.#pacer.close()
    // A warm-up is counted for the live view only.
    const tally = this.#tally.counts ? this.#tally : this.#newTally(NO_LIMIT)
    const { offered, requests, acks, failedAcks, late, waited, reconnects } = tally
    return {
      ...{ offered, requests, acks, failedAcks, late, waited, reconnects, mismatched, duplicates, overdue, busy },
      sentInTime: this.#inTime.sent,
      arrivedInTime: this.#inTime.acks,
      duration: this.#inTime.duration,
      scheduled: this.#inTime.scheduled,
      sending: this.#inTime.sending,
      unsent: this.#unsent(),
      errors: [...this.#errors],
      responseTimes: tally.responseTimes.pack(),
      serviceTimes: tally.serviceTimes?.pack(),
      lags: tally.lags?.pack(),
      loopDelays: this.#loop.delays.pack(),
    }
  }

  #newTally(since: number): Tally {
    return new Tally(since, this.#plan.timeout, this.#plan.schedule !== undefined)
  }

  /** Sends so many requests from now on, until a time. */
  #send(most: number, until: number, now: number): void {
    this.#left = most
    this.#until = until
    const { schedule } = this.#plan
    if (schedule === undefined) {
      for (const lane of this.#lanes) this.#fill(lane)
      return
    }
    if (this.#schedule === undefined) {
      this.#schedule = createSchedule(schedule)
      this.#began = now
      this.#look()
    }
  }

  // The closed model: whatever has room is filled.

  #fill(lane: Lane): void {
    const sent = lane.sendNow(this.#left)
    this.#left -= sent
    this.#tally.requests += sent
    this.#tally.sent += sent
  }

  // The open model: what is due is sent, whatever became of what was due before.

  /** Looks at the schedule, and is called when there is something to see again. */
  #look(): void {
    const schedule = this.#schedule
    if (schedule === undefined || this.#finished) return
    this.#offer(performance.now())
    const next = this.#began + schedule.next
    const now = performance.now()
    if (!this.#mayOffer()) this.#wakeIfIdle()
    // Who is late by more than a rest takes none.
    else this.#pacer.callAt(next < now - REST ? now : Math.max(now + REST, next))
  }

  /** Offers what was due by now, though nobody has looked at it yet; of what would take long it only says how many. */
  #offerTheRest(now: number): void {
    const since = performance.now()
    while (this.#isDue(now) && performance.now() - since < AT_THE_END) this.#offer(now)
    this.#pass(now)
  }

  #mayOffer(): boolean {
    const { next = NO_LIMIT } = this.#schedule ?? {}
    return this.#left > 0 && this.#began + next < this.#until && this.#lanes.length > 0
  }

  #isDue(now: number): boolean {
    return this.#mayOffer() && this.#began + (this.#schedule?.next ?? NO_LIMIT) <= now
  }

  /** Counts what is due before a time, and never gives it to anybody. */
  #pass(before: number): void {
    const schedule = this.#schedule
    if (schedule === undefined || this.#lanes.length === 0) return
    const tally = this.#tally
    const until = Math.min(before, this.#until)
    schedule.skip(this.#began, Math.min(until, tally.since), NO_LIMIT)
    const passed = schedule.skip(this.#began, until, this.#left)
    tally.offered += passed
    this.#left -= passed
    if (this.#left === 0) this.#endSchedule()
  }

  /** Gives what is due by now to the lanes, in turn, and sends it: as much of it as a turn and memory are for. */
  #offer(now: number): void {
    const schedule = this.#schedule
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
      const lane = this.#lanes[this.#turn]
      this.#turn = (this.#turn + 1) % this.#lanes.length
      lane.due.push(dueAt)
      lane.fresh += 1
      schedule.advance()
      // What was due in the warm-up, and nobody has looked at until now, is no part of an amount.
      if (dueAt < this.#tally.since) continue
      this.#tally.offered += 1
      this.#left -= 1
    }
    if (this.#left === 0) this.#endSchedule()
    this.#waiting += count
    const touched = Math.min(count, this.#lanes.length)
    for (let i = 0; i < touched; i++) this.#sendFresh(this.#lanes[(first + i) % this.#lanes.length], now)
  }

  /** All of an amount was due: nothing is any more, from when the next request would have been. */
  #endSchedule(): void {
    this.#until = Math.min(this.#until, this.#began + (this.#schedule?.next ?? NO_LIMIT))
  }

  /** Sends what has just become due; what finds no room was looked at now, and waits. */
  #sendFresh(lane: Lane, now: number): void {
    this.#sendDue(lane)
    const left = Math.min(lane.fresh, lane.due.length)
    for (let place = left; place > 0; place--) {
      const dueAt = lane.due.fromEnd(place)
      this.#tally.lagged(dueAt, now - dueAt)
      if (dueAt >= this.#tally.since) this.#tally.waited += 1
    }
    lane.fresh = 0
  }

  #sendDue(lane: Lane): void {
    if (lane.due.length === 0) return
    const tally = this.#tally
    const { length } = lane.due
    const waited = length - lane.fresh
    const now = performance.now()
    let taken = 0
    const sent = lane.sendDue(length, () => {
      const dueAt = lane.due.shift()
      if (dueAt >= tally.since) {
        tally.requests += 1
        if (taken >= waited) tally.lagged(dueAt, now - dueAt)
      }
      taken += 1
      return dueAt
    })
    tally.sent += sent
    if (sent > 0) tally.lastSentAt = now
    this.#waiting -= sent
    this.#work += 1
  }

  // What lanes tell.

  #answered(run: Readonly<AnsweredRun>): void {
    this.#work += 1
    this.#tally.answered(run)
  }

  #room(lane: Lane): void {
    if (this.#schedule !== undefined) this.#sendDue(lane)
    else if (this.#left > 0) this.#fill(lane)
    if (this.#plan.reconnectEvery > 0 && this.#wantsMore(lane)) lane.renew()
    if (this.#left === 0 || this.#stopped) this.#wakeIfIdle()
  }

  /** Whether there will be something to send on it, if no other is lost: a connection is not made for nothing. */
  #wantsMore(lane: Lane): boolean {
    if (lane.due.length > 0) return true
    if (this.#stopped) return false
    return this.#schedule === undefined ? this.#left > this.#capacity() : this.#left > this.#turnsUntil(lane)
  }

  /** What the connections that are there, or being made, can take before one more must be made anew. */
  #capacity(): number {
    const { reconnectEvery } = this.#plan
    // Far from the end of the load nobody has to look at each.
    if (this.#left === NO_LIMIT || this.#left > this.#lanes.length * reconnectEvery) return 0
    let capacity = 0
    for (const lane of this.#lanes) capacity += lane.capacity
    return capacity
  }

  /** How many lanes get a request before it does. */
  #turnsUntil(lane: Lane): number {
    const { length } = this.#lanes
    if (this.#left >= length) return 0
    return (this.#lanes.indexOf(lane) - this.#turn + length) % length
  }

  /** Makes connections anew that were not needed until another one was lost. */
  #renewIdle(): void {
    if (this.#plan.reconnectEvery === 0) return
    for (const lane of this.#lanes) if (this.#wantsMore(lane)) lane.renew()
  }

  #reconnected(lane: Lane): void {
    if (this.#tally.counts) this.#tally.reconnects += 1
    this.#room(lane)
  }

  #lost(lane: Lane, error: ClientError): void {
    const message = explain(error)
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1)
    this.#newErrors += 1
    this.#gone.push(lane)
    const at = this.#lanes.indexOf(lane)
    if (at >= 0) this.#lanes.splice(at, 1)
    if (at >= 0 && at < this.#turn) this.#turn -= 1
    if (this.#turn >= this.#lanes.length) this.#turn = 0
    this.#handOver(lane)
    this.#renewIdle()
    this.#wakeIfIdle()
  }

  /** What waited for room on a lane that is lost waits on the others, due when it always was. */
  #handOver(lost: Lane): void {
    for (let i = 0; lost.due.length > 0 && this.#lanes.length > 0; i++) {
      this.#lanes[i % this.#lanes.length].due.push(lost.due.shift())
    }
    for (const lane of this.#lanes) this.#sendDue(lane)
  }

  // The end.

  get #inFlight(): number {
    let inFlight = 0
    for (const lane of this.#lanes) inFlight += lane.inFlight
    return inFlight
  }

  #isIdle(): boolean {
    // An answer that nobody waits for may be the last thing that a server says.
    if (this.#stopped && [...this.#lanes, ...this.#gone].some((lane) => lane.isEnding)) return false
    if (this.#lanes.length === 0) return true
    if (this.#schedule === undefined) return this.#left === 0 && this.#inFlight === 0
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
      if (this.#tally.acksArrived !== arrived || !waits) since = performance.now()
      arrived = this.#tally.acksArrived
      if (performance.now() - since >= timeout) return
      await sleep(STALL_POLL)
    }
  }

  /** Requests that count, wait for their answers, and do so for longer than they may. */
  #overdue(): number {
    const { timeout } = this.#plan
    const { since, requests, acks } = this.#tally
    if (timeout === 0 || !this.#tally.counts) return 0
    const before = performance.now() - timeout
    let overdue = 0
    for (const lane of this.#lanes) overdue += Math.max(0, lane.overdue(before) - lane.overdue(since))
    return Math.min(overdue, requests - acks)
  }

  #unsent(): number {
    return this.#schedule === undefined ? 0 : Math.max(0, this.#tally.offered - this.#tally.requests)
  }

  /** As it was at most a second ago: it looks at each request that waits. */
  #overdueNow(): number {
    const now = performance.now()
    if (this.#plan.timeout === 0 || now - this.#overdueAt < OVERDUE_INTERVAL) return this.#overdueThen
    this.#overdueAt = now
    this.#overdueThen = 0
    for (const lane of this.#lanes) this.#overdueThen += lane.overdue(now - this.#plan.timeout)
    return this.#overdueThen
  }

  /** Answers that nobody waited for, on all lanes that ever were. */
  #strangers(): { mismatched: number; duplicates: number } {
    let [mismatched, duplicates] = [0, 0]
    for (const lane of [...this.#lanes, ...this.#gone]) {
      mismatched += lane.mismatched
      duplicates += lane.duplicates
    }
    return { mismatched, duplicates }
  }

  /** Pulses from now on, at whole intervals since then: a timer that is late makes none of the next ones late. */
  #beatFrom(since: number): void {
    this.#pulsesSince = since
    this.#pulseCount = 0
    this.#beat()
  }

  #beat(): void {
    clearTimeout(this.#pulses)
    const now = performance.now()
    this.#pulseCount = Math.max(this.#pulseCount, Math.floor((now - this.#pulsesSince) / PULSE_INTERVAL)) + 1
    const wait = this.#pulsesSince + this.#pulseCount * PULSE_INTERVAL - now
    this.#pulses = setTimeout(() => {
      this.#pulse()
      this.#beat()
    }, wait)
  }

  #pulse(): void {
    const { pulse, counts, since } = this.#tally
    const at = counts ? performance.now() - since : 0
    let slot = -1
    if (counts) {
      // The timer is a little late as a rule, or early; and where it was very late, a slice more is empty.
      slot = Math.max(this.#slot, Math.floor(at / PULSE_INTERVAL + 0.05) - 1)
      this.#slot = slot + 1
    }
    this.#onPulse({
      slot,
      at,
      acks: pulse.acks,
      failedAcks: pulse.failedAcks,
      connectionsLost: this.#newErrors,
      late: pulse.late,
      due: counts && this.#schedule !== undefined ? this.#tally.offered - this.#dueBefore : 0,
      unsent: this.#unsent(),
      overdue: this.#overdueNow(),
      inFlight: this.#inFlight,
      connections: this.#lanes.filter((lane) => lane.isOpen).length,
      connectionsDown: this.#gone.length,
      responseTimes: pulse.responseTimes.pack(),
    })
    this.#newErrors = 0
    this.#dueBefore = this.#tally.offered
    pulse.acks = pulse.failedAcks = pulse.late = 0
    pulse.responseTimes.clear()
  }
}
