import { type Distribution, NS_PER_MS } from '../engine/distribution.ts'
import type { Measured, RunResult } from '../run/result.ts'
import { interruptedText } from './text-report.ts'

const TICKS_PER_HALF_DISTANCE = 5

/**
 * The percentile distributions of a run for HdrHistogram's plotter, in milliseconds, by file name. `run.hgrm` is the
 * response time. In the open model `run.service.hgrm` is the service time, to plot both.
 */
export function hgrmFiles(file: string, { result, latencies, serviceTimes }: Measured): ReadonlyMap<string, string> {
  const files = new Map([[file, percentiles(latencies, result)]])
  if (result.offeredRate !== null) files.set(serviceFile(file), percentiles(serviceTimes, result))
  return files
}

/** The file name of the service time. */
export const serviceFile = (file: string) => `${file.replace(/\.hgrm$/, '')}.service.hgrm`

/** The plotter ignores lines that begin with `#`. */
function percentiles({ histogram }: Distribution, result: RunResult): string {
  const text = histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, NS_PER_MS)
  const remarks = [
    ...(result.interrupted ? [`#[Interrupted: ${interruptedText(result)}]`] : []),
    ...(result.acks === 0 ? ['#[No answer]'] : []),
  ]
  return `${text.trimEnd()}\n${remarks.map((line) => `${line}\n`).join('')}`
}
