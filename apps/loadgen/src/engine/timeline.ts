import { Distribution, type PackedDistribution } from './distribution.ts'
import { type ProgressSample, SAMPLE_INTERVAL } from './load-worker.ts'

/** One slice of the run's time, for charts. There are at most 300; where a run is longer, slices are. */
export interface TimeSlice {
  /** When it began, in seconds since the counting began. */
  readonly atSeconds: number
  /** How long it was. */
  readonly seconds: number
  readonly acks: number
  readonly failedAcks: number
  /** Connections lost and requests timed out in it. */
  readonly errors: number
  /** Of these, connections that were lost, or could not be made again. */
  readonly connectionsLost: number
  /** Of these, answers that came later than the timeout. */
  readonly late: number
  /** Requests that were due in it; null in the closed model. */
  readonly due: number | null
  /** Requests that were due and not sent, at its end; 0 in the closed model. */
  readonly unsent: number
  /** Connections that were lost and not made again, at its end. */
  readonly connectionsDown: number
  /** At its end. */
  readonly inFlight: number
  /** Response time, in milliseconds; null when nothing was answered in it. */
  readonly p50: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** The most slices that are told. */
const MAX_SLICES = 300

/** How exact the percentiles of a slice are. */
const DIGITS = 2

/** How a worker is at a moment. */
type WorkerState = Readonly<Record<'inFlight' | 'unsent' | 'connectionsDown', number>>

/** A slice in the making, of all workers. */
class SliceBuilder {
  acks = 0
  failedAcks = 0
  connectionsLost = 0
  late = 0
  due = 0
  /** Of each worker, how it was at the end of the slice. */
  readonly state = new Map<number, WorkerState>()
  /** When it ended, in milliseconds since the counting began. */
  end = 0
  #packed: PackedDistribution[] = []

  take(worker: number, sample: ProgressSample): void {
    this.acks += sample.acks
    this.failedAcks += sample.failedAcks
    this.connectionsLost += sample.connectionsLost
    this.late += sample.late
    this.due += sample.due
    const { inFlight, unsent, connectionsDown } = sample
    this.state.set(worker, { inFlight, unsent, connectionsDown })
    this.end = Math.max(this.end, sample.at)
    if (sample.acks > 0) this.#pack([sample.responseTimes])
  }

  /** Takes in the slice that comes after it. */
  join(next: SliceBuilder): void {
    this.acks += next.acks
    this.failedAcks += next.failedAcks
    this.connectionsLost += next.connectionsLost
    this.late += next.late
    this.due += next.due
    for (const [worker, state] of next.state) this.state.set(worker, state)
    this.end = Math.max(this.end, next.end)
    this.#pack(next.#packed)
  }

  /** Makes a distribution that of its response times. */
  into(distribution: Distribution): void {
    distribution.clear()
    for (const packed of this.#packed) distribution.add(packed)
  }

  /** More than one are put together at once: however long a slice is, it takes as much memory. */
  #pack(more: readonly PackedDistribution[]): void {
    this.#packed.push(...more)
    if (this.#packed.length < 2) return
    this.into(scratch)
    this.#packed = [scratch.pack()]
  }
}

/** What slices are put together in, one after the other. */
const scratch = new Distribution(DIGITS)

/**
 * A run's time in slices, for charts. When there are too many, two and two become one: so a long run takes no more
 * memory than a short one.
 */
export class Timeline {
  #cells: SliceBuilder[] = []
  readonly #open: boolean
  /** How many samples are one slice. */
  #samplesEach = 1

  /** @param open whether the load is of the open model: requests can be due */
  constructor(open: boolean) {
    this.#open = open
  }

  /** @param worker which one told it, from 0 */
  take(worker: number, sample: ProgressSample): void {
    if (sample.slice < 0) return
    while (Math.floor(sample.slice / this.#samplesEach) >= MAX_SLICES) this.#coarsen()
    const at = Math.floor(sample.slice / this.#samplesEach)
    while (this.#cells.length <= at) this.#cells.push(new SliceBuilder())
    this.#cells[at].take(worker, sample)
  }

  /** All that there is; nothing more is taken after it. */
  slices(): TimeSlice[] {
    const length = this.#samplesEach * SAMPLE_INTERVAL
    const last = this.#joinLast(length)
    const milliseconds = (i: number) => (i < last ? length : Math.max(1, (this.#cells[i]?.end ?? 0) - i * length))
    const histogram = new Distribution(DIGITS)
    let state = new Map<number, WorkerState>()
    const sum = (pick: (one: WorkerState) => number) => [...state.values()].reduce((total, one) => total + pick(one), 0)
    return this.#cells.map((cell, i) => {
      // Where a worker was too late to tell, it is as it was.
      state = new Map([...state, ...cell.state])
      cell.into(histogram)
      return {
        atSeconds: Number(((i * length) / 1000).toFixed(3)),
        seconds: Number((milliseconds(i) / 1000).toFixed(3)),
        acks: cell.acks,
        failedAcks: cell.failedAcks,
        errors: cell.connectionsLost + cell.late,
        connectionsLost: cell.connectionsLost,
        late: cell.late,
        due: this.#open ? cell.due : null,
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

  /** A last slice that was cut short says little: it belongs to the one before it. @returns the number of the last */
  #joinLast(length: number): number {
    const last = this.#cells.length - 1
    if (last < 1 || this.#cells[last].end - last * length >= length / 2) return last
    this.#cells[last - 1].join(this.#cells[last])
    this.#cells.pop()
    return last - 1
  }

  #coarsen(): void {
    const cells = this.#cells
    this.#cells = []
    for (let i = 0; i < cells.length; i += 2) {
      if (i + 1 < cells.length) cells[i].join(cells[i + 1])
      this.#cells.push(cells[i])
    }
    this.#samplesEach *= 2
  }
}
