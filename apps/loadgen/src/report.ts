import type { JudgedRun } from './judge/metrics.ts'
import { describeLocation, locationsOf, type PayloadSize, type RunOptions, windowOf } from './options.ts'
import type { RunResult, Summary } from './result.ts'
import { busyNote, hasFailed, isClean } from './verdict.ts'

const count = (n: number) => n.toLocaleString('en-US')
const rate = (n: number) => Math.round(n).toLocaleString('en-US')
const milliseconds = (n: number) => `${n.toFixed(n < 10 ? 3 : 1)} ms`

/** The result for a person. */
export function textReport(result: RunResult, options: RunOptions): string {
  const rows: [string, string][] = [
    ['load', describeLoad(options)],
    ['time', `${result.durationSeconds} s`],
    ['requests', count(result.requests)],
    ['acks', count(result.acks)],
    ['throughput', `${count(result.acksPerSecond)} acks/s`],
    ...(result.offeredRate === null
      ? []
      : [['offered', `${rate(result.offeredRate)} requests/s, sent ${rate(result.sentRate)}`] as [string, string]]),
    ...(result.reconnects > 0 ? [['reconnects', count(result.reconnects)] as [string, string]] : []),
    ...latencyRows(result),
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(12)}${value}`)
  return `${[...lines, ...troubles(result).map(([name, text]) => `${name.padEnd(12)}${text}`), ...notes(result, options)].join('\n')}\n`
}

function describeLoad(options: RunOptions): string {
  const { connections, payload, payloadSize, payloadFile, rate: offered, arrival, workers } = options
  const model = offered === undefined ? `${windowOf(options)} in flight` : `${rate(offered)} requests/s, ${arrival}`
  const how = offered === undefined ? `${connections} connections × ${model}` : `${connections} connections, ${model}`
  const payloads = payloadFile ?? (payload === 'words' ? 'words' : `${describeSize(payloadSize)} bytes`)
  const threads = workers === 1 ? '' : `, ${workers} workers`
  return `${how}, payloads of ${payloads}${threads}, to ${locationsOf(options).map(plainly).join(', ')}`
}

const plainly = (location: Parameters<typeof describeLocation>[0]) => describeLocation(location).replace(/^unix:/, '')
const describeSize = (size: PayloadSize) => (typeof size === 'number' ? `${size}` : `${size.min} to ${size.max}`)

/** One column in the closed model; in the open one response time and service time side by side. */
function latencyRows({ latencyMs, serviceTimeMs, offeredRate, scheduleLagMs }: RunResult): [string, string][] {
  const percentiles: [string, keyof Summary][] = [
    ['p50', 'p50'],
    ['p90', 'p90'],
    ['p99', 'p99'],
    ['p99.9', 'p999'],
    ['max', 'max'],
  ]
  if (offeredRate === null || scheduleLagMs === null) {
    return [
      ['latency', `mean ${milliseconds(latencyMs.mean)}, min ${milliseconds(latencyMs.min)}`],
      ...percentiles.map(([name, key]): [string, string] => [`  ${name}`, milliseconds(latencyMs[key])]),
    ]
  }
  const columns = [latencyMs, serviceTimeMs, scheduleLagMs]
  const row = (texts: readonly string[]) => texts.map((text) => text.padStart(14)).join('')
  return [
    ['latency', row(['response', 'service', 'schedule lag'])],
    ...[['mean', 'mean'] as const, ['min', 'min'] as const, ...percentiles].map(([name, key]): [string, string] => [
      `  ${name}`,
      row(columns.map((column) => milliseconds(column[key]))),
    ]),
  ]
}

/** Each thing that went wrong: its name, and what it means. */
export function troubles(result: JudgedRun): [name: string, text: string][] {
  const { failedAcks, unanswered, unsent, mismatched, duplicates, timedOut, errors, errorMessages } = result
  const { requests, interrupted, lost: lostRequests, overdue, notReached } = result
  const lost = errors === 1 ? '1 connection was' : `${count(errors)} connections were`
  const nothing = interrupted ? 'interrupted before anything was counted' : 'no request was sent while it counted'
  const lines: [number, string, string][] = [
    [requests === 0 ? 1 : 0, 'nothing', nothing],
    [failedAcks, 'failed', `${count(failedAcks)} requests were answered with a result other than 0`],
    [
      unanswered,
      'unanswered',
      `${count(unanswered)} requests were sent and never answered${whyUnanswered(lostRequests, overdue)}`,
    ],
    [unsent, 'unsent', `${count(unsent)} requests were due and never sent: ${whyUnsent(unsent, notReached)}`],
    [mismatched, 'mismatched', `${count(mismatched)} answers were to no request that waited for one`],
    [duplicates, 'duplicate', `${count(duplicates)} answers were to requests that had been answered already`],
    [timedOut, 'timed out', `${count(timedOut)} requests had no answer in time, or a late one`],
    [errors, 'errors', `${lost} lost: ${severalOf(errorMessages)}`],
  ]
  return lines.filter(([many]) => many > 0).map(([, name, text]) => [name, text])
}

function whyUnanswered(lost: number, overdue: number): string {
  const parts = [
    ...(lost > 0 ? [`${count(lost)} were lost with their connection`] : []),
    ...(overdue > 0 ? [`${count(overdue)} waited for the whole timeout`] : []),
  ]
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

function whyUnsent(unsent: number, notReached: number): string {
  if (notReached === 0) return 'the server did not take them'
  if (notReached === unsent) return 'the generator did not get to them'
  return `the server did not take ${count(unsent - notReached)}, the generator did not get to ${count(notReached)}`
}

/** The most that is told of what connections were lost to; all of it is in the JSON. */
const MOST_MESSAGES = 3

function severalOf(messages: readonly string[]): string {
  const more = messages.length - MOST_MESSAGES
  return [...messages.slice(0, MOST_MESSAGES), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** What has to be known to read the figures. */
function notes(result: RunResult, options: RunOptions): string[] {
  const { saturatedBecause, waited, requests, unsent } = result
  const lines: string[] = []
  if (saturatedBecause !== null) {
    const who = hasFailed(result)
      ? 'the generator did not keep up either'
      : 'the generator was the limit, not the server'
    lines.push(`saturated   ${who}: ${saturatedBecause}`)
  }
  if (waited > 0) {
    const window = windowOf(options)
    lines.push(
      `waited      ${count(waited)} of ${count(requests + unsent)} requests found no room when they were due: window of ${window} reached, or socket full`,
    )
  }
  // Where something went wrong, the generator may have been busy with that.
  const busy = isClean(result) ? busyNoteOf(result) : undefined
  if (busy !== undefined) lines.push(`note        ${busy}`)
  return lines
}

function busyNoteOf({ generator, offeredRate, sentRate, durationSeconds }: RunResult): string | undefined {
  const busy = generator.busyPercent.map((one) => one / 100)
  return busyNote({ offeredRate, sentRate, lagP99: null, busy }, durationSeconds)
}
