import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { median } from '../../../server/bench/peers.ts'
import { isSame, type Row } from './row.ts'

/** What one peer did under one load in one round. */
export interface Sample extends Row {
  /** Tells rounds apart: when this one began. */
  readonly round: string
  /** The id of the peer. */
  readonly peer: string
  /** How long it was measured, and driven before that, in milliseconds. */
  readonly duration: number
  readonly warmup: number
  readonly acksPerSecond: number
  /** Requests that were never answered. */
  readonly lost: number
  /** Cores that the server was busy on; absent where the system does not tell. */
  readonly cores?: number
  /** The same of the client. */
  readonly clientCores: number
}

/** What came of all rounds for one peer under one load. */
export interface Cell {
  /** The median. */
  readonly acksPerSecond: number
  /** The median of the ratios to another peer, each from one and the same round. */
  readonly ratio: number
  /** Whether requests were left unanswered in some round. */
  readonly lost: boolean
  /** The most that the server was busy on, in any round. */
  readonly cores: number | undefined
}

/** The samples of earlier runs; none when there is no such file. */
export function readSamples(file: string): Sample[] {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sample)
}

/** Adds samples to those of earlier runs, a line of JSON each. */
export function keepSamples(file: string, samples: readonly Sample[]): void {
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''))
}

/** What came of a peer under a load; undefined when it was not measured. `against` is the peer of the ratio. */
export function cellOf(samples: readonly Sample[], peer: string, row: Row, against: string): Cell | undefined {
  const of = (id: string) => samples.filter((sample) => sample.peer === id && isSame(sample, row))
  const own = of(peer)
  if (own.length === 0) return undefined
  const others = new Map(of(against).map(({ round, acksPerSecond }) => [round, acksPerSecond]))
  const ratios = own.map(({ round, acksPerSecond }) => acksPerSecond / (others.get(round) ?? Number.NaN))
  const cores = own.flatMap(({ cores }) => cores ?? [])
  return {
    acksPerSecond: median(own.map(({ acksPerSecond }) => acksPerSecond)),
    ratio: median(ratios),
    lost: own.some(({ lost }) => lost > 0),
    cores: cores.length === 0 ? undefined : Math.max(...cores),
  }
}

/** How many rounds there are samples of. */
export function countRounds(samples: readonly Sample[]): number {
  return new Set(samples.map(({ round }) => round)).size
}
