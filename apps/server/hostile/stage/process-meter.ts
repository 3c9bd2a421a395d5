import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** The unit in which /proc tells processor time: a hundredth of a second, on every Linux. */
const TICK = 0.01

/** Where the times that a process spent in its own code and in the system's are, after its name. */
const USER_TIME = 11
const SYSTEM_TIME = 12

/** What a process costs the machine, as the machine sees it. */
export class ProcessMeter {
  readonly #folder: string

  constructor(pid: number) {
    this.#folder = `/proc/${pid}`
  }

  /** Memory that is resident now, in bytes. */
  get residentBytes(): number {
    return this.#status('VmRSS')
  }

  /** The most memory that was resident since {@link forgetPeak}, in bytes. */
  get peakBytes(): number {
    return this.#status('VmHWM')
  }

  /** Open descriptors. */
  get descriptors(): number {
    return readdirSync(`${this.#folder}/fd`).length
  }

  /** Processor time so far, in seconds. */
  get cpuSeconds(): number {
    const stat = readFileSync(`${this.#folder}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * TICK
  }

  /** Begins a new peak from what is resident now; see proc(5), clear_refs. */
  forgetPeak(): void {
    writeFileSync(`${this.#folder}/clear_refs`, '5')
  }

  /** The share of one core that it takes while something happens. */
  async cpuShare(something: Promise<unknown>): Promise<number> {
    const [cpu, time] = [this.cpuSeconds, performance.now()]
    await something
    return ((this.cpuSeconds - cpu) * 1000) / (performance.now() - time)
  }

  #status(name: string): number {
    const status = readFileSync(`${this.#folder}/status`, 'utf8')
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status) ?? []
    if (kibibytes === undefined) throw new Error(`${this.#folder}/status tells no ${name}`)
    return Number(kibibytes) * 1024
  }
}
