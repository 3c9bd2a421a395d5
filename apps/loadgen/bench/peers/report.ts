import { DEMO_SERVER, FLOOR, PEERS, type Peer } from './catalogue.ts'
import { drawChart } from './chart.ts'
import { formatRate, wrap } from './format.ts'
import { describeMachine, describeTools } from './machine.ts'
import { nameOf, type Row } from './row.ts'
import { cellOf, countRounds, type Sample } from './sample.ts'
import { replaceSection } from './section.ts'
import { rateTable, standingTable } from './table.ts'

/** The content of the report. */
export interface Report {
  readonly samples: readonly Sample[]
  readonly rows: readonly Row[]
  /** A line for each peer that could not be measured. */
  readonly leftOut: readonly string[]
}

/** The document with its section of the peers replaced. */
export function writePeers(document: string, { samples, rows, leftOut }: Report): string {
  const peers = measuredPeers(samples)
  return replaceSection(
    document,
    'peers',
    [
      '![Acks a second of each server under each load](images/peers.svg)',
      'Acks a second, and in brackets the ratio to the floor:',
      rateTable(samples, peers, rows),
      ...(samples.some(({ lost }) => lost > 0) ? ['† The last requests of each connection were never answered.'] : []),
      '**Where we lose, and where we do not.** How many times as fast as `demo-server` the others are:',
      standingTable(samples, peers, rows),
      'What they are:',
      peers.map(({ name, what }) => wrap(`- ${name}: ${what}.`, '  ')).join('\n'),
      ...(leftOut.length === 0 ? [] : ['Not measured here:', leftOut.map((line) => `- ${line}.`).join('\n')]),
      wrap(`Machine: ${describeMachine()}. Tools: ${describeTools().join('; ')}. Measured on ${lastDay(samples)}.`),
      wrap(`Method: ${describeMethod(samples)}`),
    ].join('\n\n'),
  )
}

/** The chart: a panel for each load. */
export function drawPeers({ samples, rows }: Report): string {
  const panels = rows.map((row) => ({
    title: nameOf(row),
    bars: measuredPeers(samples).flatMap((peer) => {
      const cell = cellOf(samples, peer.id, row, FLOOR.id)
      if (cell === undefined) return []
      const label =
        cell.acksPerSecond === 0 ? 'never answers' : `${formatRate(cell.acksPerSecond)}${cell.lost ? ' †' : ''}`
      return { name: peer.name, value: cell.acksPerSecond, label, highlighted: peer === DEMO_SERVER }
    }),
  }))
  const daggers = samples.some(({ lost }) => lost > 0) ? ' · † leaves its last requests unanswered' : ''
  return drawChart(
    'Acks a second',
    `100 connections, the same client for all · window: requests in flight on each${daggers}`,
    panels,
  )
}

function measuredPeers(samples: readonly Sample[]): Peer[] {
  return PEERS.filter(({ id }) => samples.some(({ peer }) => peer === id))
}

function lastDay(samples: readonly Sample[]): string {
  return (
    samples
      .map(({ round }) => round.slice(0, 10))
      .sort()
      .at(-1) ?? ''
  )
}

function describeMethod(samples: readonly Sample[]): string {
  const rounds = countRounds(samples)
  const busy = countBusy(samples)
  return [
    '100 connections over loopback, client and server on the same cores. `load.c` fills the window of each connection, and',
    'checks that each request was answered once; where one was not there is no figure, but an error.',
    `${rounds} ${rounds === 1 ? 'round' : 'rounds, medians'}; in each round, under each load, one server after the other,`,
    `${describeTimes(samples)}. A ratio is the median of the rounds' own ratios, so that what the machine does`,
    'meanwhile strikes both sides.',
    ...(busy
      ? [
          `In ${busy} of the columns the client was busy on nine tenths of a core and more with the floor: there`,
          'the floor might do better still.',
        ]
      : []),
  ].join(' ')
}

function describeTimes(samples: readonly Sample[]): string {
  const least = (times: readonly number[]) => Math.min(...times) / 1000
  const duration = least(samples.map((sample) => sample.duration))
  const warmup = least(samples.map((sample) => sample.warmup))
  return `${duration} s each after ${warmup} s that are not counted`
}

/** The number of loads in which the client, not the floor, may have been the limit. */
function countBusy(samples: readonly Sample[]): number {
  const busy = samples.filter(({ peer, clientCores }) => peer === FLOOR.id && clientCores >= 0.9)
  return new Set(busy.map(nameOf)).size
}
