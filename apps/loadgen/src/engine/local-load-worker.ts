import { setImmediate as turn } from 'node:timers/promises'
import type { AnsweredRun } from '@demo/client-sim'
import { ClosedModel } from './closed-model.ts'
import { Completion, watchForSilence } from './completion.ts'
import type { ConnectionSlot } from './connection-slot.ts'
import { ConnectionSlots, type SlotsListener } from './connection-slots.ts'
import type { LoadModel } from './load-model.ts'
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
import { OpenModel } from './open-model.ts'
import { ProgressClock } from './progress-clock.ts'
import { ProgressSampler } from './progress-sampler.ts'
import { outcomeOf, type SendingTotals } from './worker-outcome.ts'

const NO_LIMIT = Number.POSITIVE_INFINITY

/** How long answers that came before the end may be read after it, in milliseconds. */
const LAST_READS = 1000

/** One worker's load, in this thread. */
export class LocalLoadWorker implements LoadWorker, SlotsListener {
  readonly #plan: WorkerPlan
  readonly #slots: ConnectionSlots
  readonly #model: LoadModel
  readonly #loop = new LoopDelay()
  readonly #completion = new Completion(() => this.#isDone())
  readonly #sampler: ProgressSampler
  readonly #clock: ProgressClock
  #stats: LoadStats
  /** Increases with each answer. */
  #work = 0
  #limit: Limit = { amount: undefined, duration: 0 }
  #sending: SendingTotals = { sent: 0, acks: 0, duration: 0, scheduled: 0, sending: 0, busy: 0 }
  #stopped = false
  #finished = false

  constructor(plan: WorkerPlan, onSample: (sample: ProgressSample) => void) {
    this.#plan = plan
    this.#stats = this.#newStats(NO_LIMIT)
    this.#slots = new ConnectionSlots(plan, this)
    this.#model =
      plan.schedule === undefined
        ? new ClosedModel(this.#slots, this.#stats, plan.reconnectEvery)
        : new OpenModel(
            plan.schedule,
            this.#slots,
            this.#stats,
            () => this.#work,
            () => this.#completion.check(),
          )
    this.#sampler = new ProgressSampler(plan, this.#slots, onSample)
    this.#clock = new ProgressClock(SAMPLE_INTERVAL, () => this.#sampler.sample(this.#stats))
    this.#clock.startFrom(performance.now())
  }

  async connect(): Promise<void> {
    await this.#slots.open()
  }

  async begin(): Promise<void> {
    this.#model.start({ amount: NO_LIMIT, until: NO_LIMIT }, this.#stats, performance.now())
  }

  async count(limit: Limit): Promise<void> {
    const { amount, duration } = limit
    this.#limit = limit
    const now = performance.now()
    this.#stats = this.#newStats(now)
    this.#loop.reset()
    this.#slots.countFrom(now)
    this.#sampler.countFrom()
    this.#clock.startFrom(now)
    const until = amount === undefined && duration > 0 ? now + duration : NO_LIMIT
    this.#model.start({ amount: amount ?? NO_LIMIT, until }, this.#stats, now)
  }

  async done(): Promise<string | undefined> {
    if (this.#limit.amount === undefined || this.#stopped) {
      await this.#completion.done()
      return undefined
    }
    let silent = false
    const { timeout } = this.#plan
    const unwatch = watchForSilence(
      timeout,
      () => Math.max(this.#stats.since, this.#stats.lastAnsweredAt),
      (since) => this.#slots.areLostSince(since) || this.#slots.overdue(since) > 0,
      () => {
        silent = true
        this.#completion.release()
      },
    )
    await this.#completion.done()
    unwatch()
    if (this.#model.left === 0 || this.#stopped) return undefined
    return silent ? `nothing was answered for ${timeout} ms (--timeout)` : 'all connections were lost'
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    const now = performance.now()
    if (this.#stats.counts) this.#sending = this.#sendingTotals(now)
    this.#slots.stop(now)
    this.#model.stop(now)
    this.#completion.check()
  }

  async soFar(): Promise<WorkerOutcome> {
    const now = performance.now()
    return this.#outcome(this.#stopped ? this.#sending : this.#sendingTotals(now), now, false)
  }

  async finish(): Promise<WorkerOutcome> {
    await this.stop()
    await this.#readWhatCame()
    this.#sampler.sample(this.#stats)
    this.#finished = true
    this.#clock.stop()
    this.#loop.close()
    const outcome = this.#outcome(this.#sending, performance.now(), true)
    this.#slots.destroy()
    this.#model.close()
    return outcome
  }

  // Reports of connections.

  answered(run: Readonly<AnsweredRun>): void {
    this.#work += 1
    this.#stats.answered(run)
  }

  room(slot: ConnectionSlot): void {
    this.#model.onRoom(slot)
    if (this.#plan.reconnectEvery > 0 && this.#model.needs(slot)) slot.renew()
    if (!this.#model.pending) this.#completion.check()
  }

  renewed(slot: ConnectionSlot): void {
    if (this.#stats.counts) this.#stats.reconnects += 1
    this.room(slot)
  }

  unanswered(dueAt: number, sentAt: number): void {
    this.#stats.recordLost(dueAt, sentAt)
  }

  lost(slot: ConnectionSlot): void {
    if (this.#finished) return
    this.#model.onLost(slot)
    // The loss can make it necessary to renew other connections.
    if (this.#plan.reconnectEvery > 0) {
      for (const one of this.#slots.all) if (this.#model.needs(one)) one.renew()
    }
    this.#completion.check()
  }

  ended(): void {
    this.#completion.check()
  }

  get wantsConnections(): boolean {
    return this.#model.pending
  }

  // The end.

  #isDone(): boolean {
    // A connection that we ended can still bring unexpected answers.
    if (this.#stopped && this.#slots.isEnding) return false
    if (this.#slots.areGone) return true
    return !this.#model.pending && this.#slots.inFlight === 0
  }

  /** Reads the answers that have already arrived: they came in time. */
  async #readWhatCame(): Promise<void> {
    const since = performance.now()
    await turn()
    for (let before = -1; before !== this.#stats.acksArrived && performance.now() - since < LAST_READS; ) {
      before = this.#stats.acksArrived
      await turn()
    }
  }

  #sendingTotals(now: number): SendingTotals {
    const { sent, requests, acks, acksArrived, since, lastSentAt } = this.#stats
    const duration = now - since
    // With an amount, requests left over from the warm-up do not count.
    const whole = this.#limit.amount !== undefined
    const open = this.#model instanceof OpenModel ? this.#model : undefined
    const scheduled = Math.min(open?.until ?? now, now) - since
    const sending = open === undefined ? duration : whole ? Math.max(scheduled, lastSentAt - since) : scheduled
    const busy = Math.max(0, this.#loop.busy() - this.#model.idle / duration)
    return {
      ...{ sent: whole ? requests : sent, acks: whole ? acks : acksArrived },
      duration,
      scheduled,
      sending,
      busy,
    }
  }

  #outcome(sending: SendingTotals, now: number, atEnd: boolean): WorkerOutcome {
    // The warm-up is counted for the live view only.
    const stats = this.#stats.counts ? this.#stats : this.#newStats(NO_LIMIT)
    return outcomeOf({
      plan: this.#plan,
      stats,
      slots: this.#slots,
      model: this.#model,
      loop: this.#loop,
      sending,
      now,
      atEnd,
    })
  }

  #newStats(since: number): LoadStats {
    return new LoadStats(since, this.#plan.timeout, this.#plan.schedule !== undefined)
  }
}
