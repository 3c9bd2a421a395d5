import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { median } from '../../../server/bench/peers.ts'
import { isSame, type Row } from './row.ts'

/** The measurement of one peer under one load in one round. */
export interface Sample extends Row {
  /** When the round began; it identifies the round. */
  readonly round: string
  /** The id of the peer. */
  readonly peer: string
  /** The times of measurement and of warm-up, in milliseconds. */
  readonly duration: number
  readonly warmup: number
  readonly acksPerSecond: number
  /** Requests that were never answered. */
  readonly lost: number
  /** Cores that the server used; absent if the system does not report it. */
  readonly cores?: number
  /** The same of the client. */
  readonly clientCores: number
}

/** The results of one peer under one load in all rounds. */
export interface Cell {
  /** The median. */
  readonly acksPerSecond: number
  /** The median of the ratios to another peer in the same round. */
  readonly ratio: number
  /** Whether requests were unanswered in any round. */
  readonly lost: boolean
  /** The most cores that the server used in any round. */
  readonly cores: number | undefined
}

/** The samples of earlier runs; none if there is no such file. */
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

/** Appends samples to those of earlier runs, as lines of JSON. */
export function keepSamples(file: string, samples: readonly Sample[]): void {
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''))
}

/** The results of a peer under a load; undefined if it was not measured. `against` is the peer of the ratio. */
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

/** The number of rounds. */
export function countRounds(samples: readonly Sample[]): number {
  return new Set(samples.map(({ round }) => round)).size
}
