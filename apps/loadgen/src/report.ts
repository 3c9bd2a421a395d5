import type { JudgedRun } from './judge/metrics.ts'
import type { RunResult } from './result.ts'
import type { Progress, RunOptions } from './run.ts'

const count = (n: number) => n.toLocaleString('en-US')
const milliseconds = (n: number) => `${n.toFixed(n < 10 ? 3 : 1)} ms`

/** The result for a person. */
export function textReport(result: RunResult, options: RunOptions): string {
  const { latencyMs } = result
  const { connections, window, payloadSize, host, port } = options
  const rows: [string, string][] = [
    ['load', `${connections} connections × ${window} in flight, payloads of ${payloadSize} bytes, to ${host}:${port}`],
    ['time', `${result.durationSeconds} s`],
    ['requests', count(result.requests)],
    ['acks', count(result.acks)],
    ['throughput', `${count(result.acksPerSecond)} acks/s`],
    ['latency', `mean ${milliseconds(latencyMs.mean)}, min ${milliseconds(latencyMs.min)}`],
    ['  p50', milliseconds(latencyMs.p50)],
    ['  p90', milliseconds(latencyMs.p90)],
    ['  p99', milliseconds(latencyMs.p99)],
    ['  p99.9', milliseconds(latencyMs.p999)],
    ['  max', milliseconds(latencyMs.max)],
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(12)}${value}`)
  return `${[...lines, ...troubles(result)].join('\n')}\n`
}

/** A line for each thing that went wrong. */
export function troubles(result: JudgedRun): string[] {
  const { failedAcks, unanswered, mismatched, errors, errorMessages } = result
  return [
    ...(failedAcks > 0 ? [`failed      ${count(failedAcks)} requests were answered with a result other than 0`] : []),
    ...(unanswered > 0 ? [`unanswered  ${count(unanswered)} requests were sent and never answered`] : []),
    ...(mismatched > 0 ? [`mismatched  ${count(mismatched)} answers were to no request that waited for one`] : []),
    ...(errors > 0
      ? [
          `errors      ${errors === 1 ? '1 connection was' : `${count(errors)} connections were`} lost: ${errorMessages.join('; ')}`,
        ]
      : []),
  ]
}

/** Whether each request was answered, once, and with success. */
export function isClean({ requests, failedAcks, unanswered, mismatched, errors }: JudgedRun): boolean {
  return requests > 0 && failedAcks === 0 && unanswered === 0 && mismatched === 0 && errors === 0
}

/**
 * One line about a run that is going on.
 *
 * @param before what was told a second before, if anything
 */
export function progressLine(progress: Progress, before: Progress | undefined): string {
  const { phase, acks, inFlight, errors } = progress
  // The count begins anew with the load, and goes on through the drain.
  const sameCount = before !== undefined && (before.phase === 'warm-up') === (phase === 'warm-up')
  const arrived = sameCount ? acks - before.acks : acks
  return `${phase}: ${count(acks)} acks, ${count(arrived)} acks/s, ${count(inFlight)} in flight, ${errors} errors`
}
