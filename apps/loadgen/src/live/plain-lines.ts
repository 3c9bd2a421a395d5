import type { Progress } from '../engine/monitor.ts'
import { showCount, showWholeRate } from '../units/format.ts'
import { progressFailures, rateOf, showLatency } from './progress-figures.ts'

/** The least time between two lines, in seconds: slightly less than a second, because timers are not exact. */
const INTERVAL = 0.9

/** Writes a line a second, for logs and pipes. */
export class PlainLines {
  readonly #write: (text: string) => void
  #before: { readonly progress: Progress; readonly at: number } | undefined
  readonly #began = performance.now()

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  show(progress: Progress): void {
    const at = performance.now()
    if (at - (this.#before?.at ?? this.#began) < INTERVAL * 1000) return
    this.#write(`${progressLine(progress, this.#before?.progress)}\n`)
    this.#before = { progress, at }
  }

  clear(): void {}
}

/**
 * The progress in one line.
 *
 * @param before the progress of the line before, if there is one
 */
export function progressLine(progress: Progress, before: Progress | undefined): string {
  const { phase, connections, acks, inFlight, p50, p99 } = progress
  const failures = progressFailures(progress).join(', ') || '0 errors'
  if (phase === 'connect') return `connect: ${showCount(connections)} connections, ${failures}`
  const rate = `${showWholeRate(rateOf(progress, before))} acks/s`
  const times = `p50 ${showLatency(p50)}, p99 ${showLatency(p99)}`
  return `${phase}: ${showCount(acks)} acks, ${rate}, ${times}, ${showCount(inFlight)} in flight, ${failures}`
}
