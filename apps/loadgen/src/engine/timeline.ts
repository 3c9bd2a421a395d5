import { Distribution, type PackedDistribution } from './distribution.ts'
import { type ProgressSample, SAMPLE_INTERVAL } from './load-worker.ts'

/** One slice of the run's time. There are at most 300; in a longer run, slices are longer. */
export interface TimeSlice {
  /** When it began, in seconds since the counting began. */
  readonly atSeconds: number
  /** How long it was. */
  readonly seconds: number
  readonly acks: number
  readonly failedAcks: number
  /** Connections lost and requests timed out in it. */
  readonly errors: number
  /** Of these, lost connections. */
  readonly connectionsLost: number
  /** Of these, answers that came later than the timeout. */
  readonly late: number
  /** Requests that were due in it; null in the closed model. */
  readonly due: number | null
  /** Requests that were due and not sent, at its end; 0 in the closed model. */
  readonly unsent: number
  /** Connections that were lost and not open again, at its end. */
  readonly connectionsDown: number
  /** At its end. */
  readonly inFlight: number
  /** Response time, in milliseconds; null if nothing was answered in it. */
  readonly p50: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** The most slices of a run. */
const MAX_SLICES = 300

/** Significant digits of the times in a slice. */
const DIGITS = 2

/** The state of a worker at one time. */
type WorkerState = Readonly<Record<'inFlight' | 'unsent' | 'connectionsDown', number>>

/** Collects the samples of all workers in one slice. */
class SliceBuilder {
  acks = 0
  failedAcks = 0
  connectionsLost = 0
  late = 0
  due = 0
  /** The state of each worker at the end of the slice. */
  readonly states = new Map<number, WorkerState>()
  /** When it ended, in milliseconds since the counting began. */
  end = 0
  #packed: PackedDistribution[] = []

  add(worker: number, sample: ProgressSample): void {
    this.#addCounts(sample)
    const { inFlight, unsent, connectionsDown } = sample
    this.states.set(worker, { inFlight, unsent, connectionsDown })
    this.end = Math.max(this.end, sample.at)
    if (sample.acks > 0) this.#pack([sample.responseTimes])
  }

  /** Adds the slice that follows. */
  append(next: SliceBuilder): void {
    this.#addCounts(next)
    for (const [worker, state] of next.states) this.states.set(worker, state)
    this.end = Math.max(this.end, next.end)
    this.#pack(next.#packed)
  }

  /** Replaces the content of a distribution with the response times of this slice. */
  unpackInto(distribution: Distribution): void {
    distribution.clear()
    for (const packed of this.#packed) distribution.add(packed)
  }

  #addCounts({ acks, failedAcks, connectionsLost, late, due }: ProgressSample | SliceBuilder): void {
    this.acks += acks
    this.failedAcks += failedAcks
    this.connectionsLost += connectionsLost
    this.late += late
    this.due += due
  }

  /** Merges at once, so that memory does not grow with the length of the slice. */
  #pack(more: readonly PackedDistribution[]): void {
    this.#packed.push(...more)
    if (this.#packed.length < 2) return
    this.unpackInto(scratch)
    this.#packed = [scratch.pack()]
  }
}

/** Reused for merging. */
const scratch = new Distribution(DIGITS)

/** The time slices of a run. When there are too many, each two become one, so that memory does not grow with the run. */
export class Timeline {
  #builders: SliceBuilder[] = []
  readonly #open: boolean
  #samplesPerSlice = 1

  /** @param open whether the load is of the open model: requests can be due */
  constructor(open: boolean) {
    this.#open = open
  }

  /** @param worker the number of the worker, from 0 */
  add(worker: number, sample: ProgressSample): void {
    if (sample.slice < 0) return
    while (Math.floor(sample.slice / this.#samplesPerSlice) >= MAX_SLICES) this.#halve()
    const at = Math.floor(sample.slice / this.#samplesPerSlice)
    while (this.#builders.length <= at) this.#builders.push(new SliceBuilder())
    this.#builders[at]?.add(worker, sample)
  }

  /** All slices. Add no samples after this. */
  slices(): TimeSlice[] {
    const length = this.#samplesPerSlice * SAMPLE_INTERVAL
    this.#joinShortEnd(length)
    const last = this.#builders.length - 1
    const histogram = new Distribution(DIGITS)
    let states = new Map<number, WorkerState>()
    const sum = (pick: (one: WorkerState) => number) =>
      [...states.values()].reduce((total, one) => total + pick(one), 0)
    return this.#builders.map((builder, i) => {
      const milliseconds = i < last ? length : Math.max(1, builder.end - i * length)
      // A worker without a sample in this slice keeps its state.
      states = new Map([...states, ...builder.states])
      builder.unpackInto(histogram)
      return {
        atSeconds: Number(((i * length) / 1000).toFixed(3)),
        seconds: Number((milliseconds / 1000).toFixed(3)),
        acks: builder.acks,
        failedAcks: builder.failedAcks,
        errors: builder.connectionsLost + builder.late,
        connectionsLost: builder.connectionsLost,
        late: builder.late,
        due: this.#open ? builder.due : null,
        unsent: sum((one) => one.unsent),
        connectionsDown: sum((one) => one.connectionsDown),
        inFlight: sum((one) => one.inFlight),
        p50: histogram.percentile(50),
        p99: histogram.percentile(99),
        p999: histogram.percentile(99.9),
        max: histogram.percentile(100),
      }
    })
  }

  /** A last slice shorter than half is joined to the one before: its figures would be of too few requests. */
  #joinShortEnd(length: number): void {
    const [before, last] = this.#builders.slice(-2)
    if (before === undefined || last === undefined) return
    if (last.end - (this.#builders.length - 1) * length >= length / 2) return
    before.append(last)
    this.#builders.pop()
  }

  /** Joins each two slices. */
  #halve(): void {
    this.#builders = this.#builders.filter((builder, i, all) => {
      const next = all[i + 1]
      if (i % 2 === 0 && next !== undefined) builder.append(next)
      return i % 2 === 0
    })
    this.#samplesPerSlice *= 2
  }
}
