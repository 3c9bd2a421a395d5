import { Distribution } from './distribution.ts'
import { type ProgressSample, SAMPLE_INTERVAL } from './load-worker.ts'
import { durationOf, isOpen, type RunOptions, warmupOf } from './options.ts'
import { Timeline, type TimeSlice } from './timeline.ts'

/** The phase of a run. */
export type Phase = 'connect' | 'warm-up' | 'load' | 'drain'

/** The progress of a run. */
export interface Progress {
  readonly phase: Phase
  /** How long the phase has lasted. */
  readonly seconds: number
  /** The done part of the phase, from 0 to 1; undefined if its length is unknown. */
  readonly done: number | undefined
  /** Connections that are open. */
  readonly connections: number
  /** Answers so far; in the warm-up, those of the warm-up. */
  readonly acks: number
  readonly failedAcks: number
  readonly inFlight: number
  /** Connections lost, and requests that timed out: `connectionsLost` and `late`. */
  readonly errors: number
  /** Connections lost so far. */
  readonly connectionsLost: number
  /** Connections that are lost and not open again. */
  readonly connectionsDown: number
  /** Answers that came later than the timeout. */
  readonly late: number
  /** Requests that wait for their answer for longer than the timeout. Updated once a second. */
  readonly overdue: number
  /** Requests that are due and not sent; 0 in the closed model. */
  readonly unsent: number
  /** Answers that match no request, including the warm-up. */
  readonly mismatched: number
  /** Second answers to a request, including the warm-up. */
  readonly duplicates: number
  /** Response time of the last second, in milliseconds; null if nothing was answered. */
  readonly p50: number | null
  readonly p99: number | null
}

/** Samples of a worker in a second. */
const SAMPLES_PER_SECOND = 1000 / SAMPLE_INTERVAL

/** Significant digits of the percentiles while the load runs. */
const DIGITS = 2

/** Collects the samples of all workers, and makes the progress and the time slices of the run from them. */
export class Monitor {
  readonly #options: RunOptions
  readonly #timeline: Timeline
  /** The samples of the last second of each worker, newest last. */
  readonly #recent = new Map<number, ProgressSample[]>()
  readonly #recentTimes = new Distribution(DIGITS)
  #phase: Phase = 'connect'
  #since = performance.now()
  #acks = 0
  #failedAcks = 0
  #connectionsLost = 0
  #late = 0

  constructor(options: RunOptions) {
    this.#options = options
    this.#timeline = new Timeline(isOpen(options))
  }

  enter(phase: Phase): void {
    this.#phase = phase
    this.#since = performance.now()
    // The load starts from zero; the drain continues its count.
    if (phase === 'load') this.#acks = this.#failedAcks = this.#late = 0
  }

  add(worker: number, sample: ProgressSample): void {
    this.#timeline.add(worker, sample)
    this.#acks += sample.acks
    this.#failedAcks += sample.failedAcks
    this.#connectionsLost += sample.connectionsLost
    this.#late += sample.late
    const recent = this.#recent.get(worker) ?? []
    recent.push(sample)
    if (recent.length > SAMPLES_PER_SECOND) recent.shift()
    this.#recent.set(worker, recent)
  }

  progress(): Progress {
    const milliseconds = performance.now() - this.#since
    const now = [...this.#recent.values()].flatMap((samples) => samples.slice(-1))
    const sum = (pick: (sample: ProgressSample) => number) => now.reduce((total, sample) => total + pick(sample), 0)
    const connections = sum((sample) => sample.connections)
    const times = this.#recentTimes
    times.clear()
    for (const samples of this.#recent.values()) for (const sample of samples) times.add(sample.responseTimes)
    return {
      phase: this.#phase,
      seconds: milliseconds / 1000,
      done: this.#done(milliseconds, connections),
      connections,
      acks: this.#acks,
      failedAcks: this.#failedAcks,
      inFlight: sum((sample) => sample.inFlight),
      errors: this.#connectionsLost + this.#late,
      connectionsLost: this.#connectionsLost,
      connectionsDown: sum((sample) => sample.connectionsDown),
      late: this.#late,
      overdue: sum((sample) => sample.overdue),
      unsent: sum((sample) => sample.unsent),
      mismatched: sum((sample) => sample.mismatched),
      duplicates: sum((sample) => sample.duplicates),
      p50: times.percentile(50),
      p99: times.percentile(99),
    }
  }

  slices(): TimeSlice[] {
    return this.#timeline.slices()
  }

  #done(milliseconds: number, connections: number): number | undefined {
    const { amount } = this.#options
    const [duration, warmup] = [durationOf(this.#options), warmupOf(this.#options)]
    const parts: Record<Phase, readonly [done: number, of: number]> = {
      connect: [connections, this.#options.connections],
      'warm-up': [milliseconds, warmup],
      load: amount === undefined ? [milliseconds, duration] : [this.#acks, amount],
      drain: [0, 0],
    }
    const [done, of] = parts[this.#phase]
    return of === 0 ? undefined : Math.min(1, done / of)
  }
}
