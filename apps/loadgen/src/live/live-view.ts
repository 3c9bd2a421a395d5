import type { Progress } from '../engine/monitor.ts'
import { showCount, showNumber, showWholeRate } from '../units/format.ts'
import { progressFailures, rateOf, showLatency } from './progress-figures.ts'
import { sparkline } from './sparkline.ts'

const BAR_WIDTH = 30
/** The number of rates in the sparkline. */
const HISTORY = 40
/** A rate is over this number of updates: one second. */
const SMOOTHING = 5

const INDENT = ' '.repeat(9)
const GAP = '   '

const UP_AND_CLEAR = '\x1b[1A\x1b[2K'
const DIM = '\x1b[2m'
const RED = '\x1b[31m'
const PLAIN = '\x1b[0m'

/** The terminal of a live view. */
export interface Screen {
  readonly columns?: number | undefined
  readonly colors: boolean
  write(text: string): void
}

/**
 * Draws the progress of a run on a terminal, always in the same place.
 *
 * ```
 *  load     ██████████████▌···············  48 %  4.8 of 10 s
 *           10,214,330 acks/s   p50 9.4 ms   p99 18.9 ms   98,112 in flight   0 errors
 *           ▅▇▇███▇▇▇▆▇▇
 * ```
 *
 * Failures follow in red. They take as many lines as necessary, so that no terminal cuts them off.
 */
export class LiveView {
  readonly #screen: Screen
  #lines = 0
  /** The progress of the last second, oldest first. */
  #recent: Progress[] = []
  #rates: number[] = []

  constructor(screen: Screen) {
    this.#screen = screen
  }

  show(progress: Progress): void {
    if (this.#recent.at(-1)?.phase !== progress.phase) this.#recent = this.#recent.slice(-1)
    const rate = rateOf(progress, this.#recent[0])
    this.#recent.push(progress)
    if (this.#recent.length > SMOOTHING) this.#recent.shift()
    if (progress.phase !== 'connect') this.#rates = [...this.#rates, rate].slice(-HISTORY)
    this.#draw([barLine(progress), ...this.#figures(progress, rate)])
  }

  /** Removes the view. */
  clear(): void {
    this.#draw([])
  }

  #figures(progress: Progress, rate: number): string[] {
    const { phase, connections, inFlight, p50, p99 } = progress
    const failures = progressFailures(progress)
    const wrong = packed(failures, this.#width - INDENT.length).map((line) => INDENT + this.#color(RED, line))
    if (phase === 'connect') return [`${INDENT}${showCount(connections)} connections`, ...wrong]
    const times = [`p50 ${showLatency(p50)}`, `p99 ${showLatency(p99)}`]
    const clean = failures.length === 0 ? ['0 errors'] : []
    const long = [`${showWholeRate(rate)} acks/s`, ...times, `${showCount(inFlight)} in flight`, ...clean].join(GAP)
    const short = [`${showNumber(rate)}/s`, ...times, `${showNumber(inFlight)} in flight`, ...clean].join('  ')
    return [
      `${INDENT}${INDENT.length + long.length <= this.#width ? long : short}`,
      ...wrong,
      `${INDENT}${this.#color(DIM, sparkline(this.#rates))}`,
    ]
  }

  /** A terminal that does not know its size reports 0. */
  get #width(): number {
    return (this.#screen.columns || 80) - 1
  }

  #color(color: string, text: string): string {
    return this.#screen.colors ? `${color}${text}${PLAIN}` : text
  }

  #draw(lines: readonly string[]): void {
    const drawn = lines.map((line) => `${cut(line, this.#width)}\n`).join('')
    this.#screen.write(UP_AND_CLEAR.repeat(this.#lines) + drawn)
    this.#lines = lines.length
  }
}

function barLine({ phase, seconds, done }: Progress): string {
  const name = phase.padEnd(9)
  if (done === undefined) return `${name}${seconds.toFixed(1)} s`
  const full = Math.floor(done * BAR_WIDTH)
  const bar = '█'.repeat(full) + '·'.repeat(BAR_WIDTH - full)
  return `${name}${bar} ${`${Math.floor(done * 100)}`.padStart(3)} %   ${seconds.toFixed(1)} s`
}

/** Joins texts into as few lines as possible. */
function packed(texts: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const text of texts) {
    const line = lines.at(-1)
    if (line === undefined || line.length + GAP.length + text.length > width) lines.push(text)
    else lines[lines.length - 1] = line + GAP + text
  }
  return lines
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const SEQUENCE = /\x1b\[\d+m/g

/** A longer line would wrap, and the next update would not clear it. */
function cut(line: string, width: number): string {
  if ([...line.replaceAll(SEQUENCE, '')].length <= width) return line
  return [...line.replaceAll(SEQUENCE, '')].slice(0, Math.max(0, width)).join('')
}
