import { DEMO_SERVER, FLOOR, type Peer, STEPS } from '../peers/catalogue.ts'
import { drawChart } from '../peers/chart.ts'
import { formatRate } from '../peers/format.ts'
import { nameOf, type Row } from '../peers/row.ts'
import { cellOf, type Sample } from '../peers/sample.ts'
import { describeCell, table } from '../peers/table.ts'
import type { SelfTime } from './cpu-profile.ts'

/** The steps and `demo-server`. */
export const ALL_STEPS: readonly Peer[] = [...STEPS, DEMO_SERVER]

/** Functions with a smaller share are not in the tables. */
const LEAST_SHARE = 0.02
const MOST_LINES = 8

/** Explanations of the names in a profile. */
const MEANINGS: Readonly<Record<string, string>> = {
  writeBuffer: 'the system call that sends',
  latin1Write: 'an ID, from a string to bytes',
  latin1Slice: 'an ID, from bytes to a string',
  subarray: 'a slice of a Buffer',
  FastBuffer: 'the object that such a slice is',
  slice: 'what `toString` does before it reads',
  createUnsafeBuffer: 'memory for a Buffer',
  alloc: 'memory for a Buffer',
  fill: 'zeros into that memory',
  _copyActual: 'copying, for `Buffer.concat`',
  writeUInt32BE: 'a length',
  createWriteWrap: 'what Node notes of a write',
  runMicrotasks: 'promises that go on',
  emit: 'calling listeners',
  write: 'Node, on the way to the socket',
  '(garbage collector)': 'taking back what was allocated',
  '(program)': 'Node and the system, outside of JavaScript',
  receive: 'our loop over a chunk',
  answer: 'our function that is called for each request',
  decode: 'our function that makes an object of a packet',
  encode: 'our function that makes an ack',
  '#takeRequests': 'our loop: frames, packets, handler, acks',
}

/** Acks a second of each step, and the ratio to the floor. */
export function stepTable(samples: readonly Sample[], rows: readonly Row[]): string {
  const lines = [...ALL_STEPS, FLOOR].map(({ id, name }, i) => [
    i < ALL_STEPS.length ? `${i + 1}. ${name}` : name,
    ...rows.map((row) => describeCell(cellOf(samples, id, row, FLOOR.id))),
  ])
  return table([['', ...rows.map(nameOf)], ...lines])
}

/** The self times, the longest first. */
export function profileTable(times: readonly SelfTime[]): string {
  const lines = times
    .filter(({ share }) => share >= LEAST_SHARE)
    .slice(0, MOST_LINES)
    .map(({ name, share }) => {
      const [functionName = ''] = name.split(' ')
      return [`${(share * 100).toFixed(0)} %`, `\`${name}\``, MEANINGS[name] ?? MEANINGS[functionName] ?? '']
    })
  return table([['of the time', 'function', ''], ...lines])
}

/** The chart: a panel for each load. */
export function drawSteps(samples: readonly Sample[], rows: readonly Row[]): string {
  const panels = rows.map((row) => ({
    title: nameOf(row),
    bars: [...ALL_STEPS, FLOOR].flatMap((peer) => {
      const cell = cellOf(samples, peer.id, row, FLOOR.id)
      if (cell === undefined) return []
      return {
        name: peer.name,
        value: cell.acksPerSecond,
        label: formatRate(cell.acksPerSecond),
        highlighted: peer === DEMO_SERVER,
      }
    }),
  }))
  return drawChart(
    'From the naive server to demo-server',
    'acks a second, 100 connections, payloads of 25 bytes',
    panels,
  )
}
