import type { Histogram } from 'hdr-histogram-js'
import type { Measured } from '../result.ts'

const NANOSECONDS = 1e6
const TICKS_PER_HALF_DISTANCE = 5

/**
 * The percentile distributions of a run as HdrHistogram's plotter reads them, in milliseconds, by the names of their
 * files. `run.hgrm` is the response time; with the open model `run.service.hgrm` is the service time, to be laid over it.
 */
export function hgrmFiles(file: string, { result, latencies, serviceTimes }: Measured): ReadonlyMap<string, string> {
  const files = new Map([[file, percentiles(latencies)]])
  if (result.offeredRate !== null) files.set(serviceFile(file), percentiles(serviceTimes))
  return files
}

const serviceFile = (file: string) => `${file.replace(/\.hgrm$/, '')}.service.hgrm`

function percentiles(histogram: Histogram): string {
  return histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, NANOSECONDS)
}
