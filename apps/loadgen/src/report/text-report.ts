import type { Summary } from '../engine/distribution.ts'
import {
  describeLocation,
  isOpen,
  locationsOf,
  type PayloadSize,
  type RunOptions,
  windowOf,
} from '../engine/options.ts'
import { percentileName, percentileOf, STANDARD_PERCENTILES, type Times } from '../run/percentiles.ts'
import type { RunFigures, RunResult, TargetResult } from '../run/result.ts'
import { busyNote, hasFailed, isClean } from '../run/verdict.ts'
import { showCount, showMilliseconds, showTime, showWholeRate } from '../units/format.ts'

/** The result of one run as text. */
export function textReport(
  result: RunResult,
  options: RunOptions,
  percentiles: readonly number[] = STANDARD_PERCENTILES,
): string {
  const rows: [string, string][] = [
    ['load', describeLoad(options)],
    ['time', `${result.durationSeconds} s`],
    ['requests', showCount(result.requests)],
    ['acks', showCount(result.acks)],
    ['throughput', `${showWholeRate(result.acksPerSecond)} acks/s`],
    ...(result.offeredRate === null
      ? []
      : [
          ['offered', `${showWholeRate(result.offeredRate)} requests/s, sent ${showWholeRate(result.sentRate)}`] as [
            string,
            string,
          ],
        ]),
    ...(result.reconnects > 0 ? [['reconnects', showCount(result.reconnects)] as [string, string]] : []),
    ...latencyRows(result, percentiles),
    ...targetRows(result.targets),
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(12)}${value}`)
  return `${[...lines, ...failures(result).map(([name, text]) => `${name.padEnd(12)}${text}`), ...notes(result, options)].join('\n')}\n`
}

function describeLoad(options: RunOptions): string {
  const { connections, payload, payloadSize, payloadFile, workers, engine } = options
  const how = isOpen(options)
    ? `${connections} connections, ${describeRate(options)}`
    : `${connections} connections × ${windowOf(options)} in flight`
  const payloads = payloadFile ?? (payload === 'words' ? 'words' : `${describeSize(payloadSize)} bytes`)
  const threads = workers === 1 ? '' : `, ${workers} workers`
  return `${how}, payloads of ${payloads}${threads}, engine ${engine}, to ${locationsOf(options).map(plainly).join(', ')}`
}

function describeRate({ rate = 0, stage, arrival }: RunOptions): string {
  const rates = [...(stage === undefined || rate > 0 ? [rate] : []), ...(stage ?? []).map((one) => one.rate)]
  return `${rates.map(showWholeRate).join(' → ')} requests/s, ${arrival}`
}

const plainly = (location: Parameters<typeof describeLocation>[0]) => describeLocation(location).replace(/^unix:/, '')
const describeSize = (size: PayloadSize) => (typeof size === 'number' ? `${size}` : `${size.min} to ${size.max}`)

/** One column in the closed model; three columns in the open one. */
function latencyRows(result: RunResult, percentiles: readonly number[]): [string, string][] {
  const { latencyMs, serviceTimeMs, offeredRate, scheduleLagMs } = result
  const row = (name: string, ...texts: readonly string[]): [string, string] => [
    `  ${name}`,
    texts.length === 1 ? texts.join('') : texts.map((text) => text.padStart(14)).join(''),
  ]
  const open = offeredRate !== null && scheduleLagMs !== null
  const times: readonly Times[] = open ? ['latencyMs', 'serviceTimeMs', 'scheduleLagMs'] : ['latencyMs']
  const shown = percentiles.map((one) =>
    row(percentileName(one), ...times.map((of) => showMilliseconds(percentileOf(result, of, one)))),
  )
  if (!open) {
    return [
      ['latency', `mean ${showMilliseconds(latencyMs.mean)}, min ${showMilliseconds(latencyMs.min)}`],
      ...shown,
      row('max', showMilliseconds(latencyMs.max)),
    ]
  }
  const bound = (name: keyof Summary) =>
    row(name, ...[latencyMs, serviceTimeMs, scheduleLagMs].map((column) => showMilliseconds(column[name])))
  const [, heading] = row('', 'response', 'service', 'schedule lag')
  return [['latency', heading], bound('mean'), bound('min'), ...shown, bound('max')]
}

/** A line for each of several targets. */
function targetRows(targets: readonly TargetResult[]): [string, string][] {
  return targets.map((one, i) => {
    const { p50, p99 } = one.latencyMs
    const figures = [
      `${showWholeRate(one.acksPerSecond)} acks/s`,
      `p50 ${showTime(p50)}`,
      `p99 ${showTime(p99)}`,
      ...targetFailures(one),
    ]
    return [i === 0 ? 'targets' : '', `${one.target}  ${figures.join(', ')}`]
  })
}

/** Kinds of failures of a target, in a word or two. */
const TARGET_FAILURES = [
  ['failedAcks', 'failed'],
  ['unanswered', 'unanswered'],
  ['timedOut', 'timed out'],
  ['errors', 'connections lost'],
  ['mismatched', 'mismatched'],
  ['duplicates', 'duplicate'],
] as const satisfies readonly (readonly [keyof TargetResult, string])[]

/** The failures of a target that occurred: `3 failed`. */
export function targetFailures(target: TargetResult): string[] {
  return TARGET_FAILURES.flatMap(([name, text]) => (target[name] > 0 ? [`${showCount(target[name])} ${text}`] : []))
}

/** Each kind of failure that occurred: its name, and what it means. */
export function failures(result: RunFigures): [name: string, text: string][] {
  const { failedAcks, unanswered, unsent, mismatched, duplicates, timedOut, errors, errorMessages, requests } = result
  const lost = errors === 1 ? '1 connection was' : `${showCount(errors)} connections were`
  const nothing = result.interrupted
    ? 'interrupted before anything was counted'
    : 'no request was sent while it counted'
  const lines: [number, string, string][] = [
    [requests === 0 ? 1 : 0, 'nothing', nothing],
    [failedAcks, 'failed', `${showCount(failedAcks)} requests were answered with a result other than 0`],
    [
      unanswered,
      'unanswered',
      `${showCount(unanswered)} requests were sent and never answered${whyUnanswered(result)}`,
    ],
    [unsent, 'unsent', `${showCount(unsent)} requests were due and never sent: ${whyUnsent(result)}`],
    [mismatched, 'mismatched', `${showCount(mismatched)} answers matched no request`],
    [duplicates, 'duplicate', `${showCount(duplicates)} answers were to requests that had already been answered`],
    [timedOut, 'timed out', `${showCount(timedOut)} requests had no answer within the timeout`],
    [errors, 'errors', `${lost} lost: ${severalOf(errorMessages)}`],
    [result.outages.length, 'outage', outageText(result)],
  ]
  return lines.filter(([many]) => many > 0).map(([, name, text]) => [name, text])
}

function whyUnanswered({ lost, overdue }: RunFigures): string {
  const parts = [
    ...(lost > 0 ? [`${showCount(lost)} were lost with their connection`] : []),
    ...(overdue > 0 ? [`${showCount(overdue)} waited for the whole timeout`] : []),
  ]
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

function whyUnsent({ unsent, notReached }: RunFigures): string {
  if (notReached === 0) return 'the server did not take them'
  if (notReached === unsent) return 'the generator was too late to send them'
  return `the server did not take ${showCount(unsent - notReached)}, the generator was too late to send ${showCount(notReached)}`
}

/** How long connections were lost, and when. */
function outageText({ outages, outageSeconds }: RunFigures): string {
  const texts = outages.map(
    ({ atSeconds, seconds, connections }) =>
      `${connections === 1 ? '1 connection' : `${showCount(connections)} connections`} from ${atSeconds.toFixed(1)} s on for ${showTime(seconds * 1000)}`,
  )
  return `${showTime(outageSeconds * 1000)} in all: ${severalOf(texts)}`
}

/** The most messages in the text. The JSON has all of them. */
const MAX_MESSAGES = 3

function severalOf(messages: readonly string[]): string {
  const more = messages.length - MAX_MESSAGES
  return [...messages.slice(0, MAX_MESSAGES), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** Notes for reading the figures. */
function notes(result: RunResult, options: RunOptions): string[] {
  const { saturatedBecause, waited, requests, acks, unsent, neverAnswered, interrupted } = result
  const lines: string[] = []
  if (interrupted) lines.push(`interrupted ${interruptedText(result)}`)
  if (saturatedBecause !== null) {
    const what = hasFailed(result)
      ? 'the generator did not keep up either'
      : 'the generator was the limit, not the server'
    lines.push(`saturated   ${what}: ${saturatedBecause}`)
  }
  if (waited > 0) {
    const window = windowOf(options)
    lines.push(
      `waited      ${showCount(waited)} of ${showCount(requests + unsent)} requests found no room when they were due: window of ${window} full, or socket full${result.outages.length > 0 ? ', or all connections lost' : ''}`,
    )
  }
  if (neverAnswered > 0 && acks > 0) {
    lines.push(
      `note        ${showCount(neverAnswered)} of ${showCount(requests + unsent)} requests were never answered; in the latency they count as --timeout, or as long as they had waited`,
    )
  }
  // With failures, the generator may have been busy because of them.
  const busy = isClean(result) ? busyNoteOf(result) : undefined
  if (busy !== undefined) lines.push(`note        ${busy}`)
  return lines
}

/** Why and when a run ended early. */
export function interruptedText({ interruptedBecause, durationSeconds }: RunFigures): string {
  return `${interruptedBecause ?? 'early'}, after ${durationSeconds} s: not the whole run`
}

function busyNoteOf({ generator, offeredRate, sentRate, durationSeconds }: RunResult): string | undefined {
  const busy = generator.busyPercent.map((one) => one / 100)
  return busyNote({ offeredRate, sentRate, lagP99: null, busy }, durationSeconds)
}
