import { basename } from 'node:path'

/** The parts of a `node --cpu-prof` file that are used. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** In microseconds of the monotonic clock. */
  readonly startTime: number
  /** The node that was running at each sample. */
  readonly samples: readonly number[]
  /** From one sample to the next, in microseconds. */
  readonly timeDeltas: readonly number[]
}

/** The share of one function in the busy time, without the functions that it calls. */
export interface SelfTime {
  readonly name: string
  /** From 0 to 1. */
  readonly share: number
}

/**
 * The self times of functions, the longest first.
 *
 * @param from only samples from this time on, in microseconds of the monotonic clock, to skip the start
 * @param to   only samples before this time
 */
export function selfTimes({ nodes, startTime, samples, timeDeltas }: CpuProfile, from: number, to: number): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let now = startTime
  let busy = 0
  for (const [i, id] of samples.entries()) {
    const delta = timeDeltas[i] ?? 0
    now += delta
    const name = names.get(id)
    if (name === undefined || name === '(idle)' || now < from || now >= to) continue
    busy += delta
    times.set(name, (times.get(name) ?? 0) + delta)
  }
  return [...times].map(([name, time]) => ({ name, share: time / busy })).sort((a, b) => b.share - a.share)
}

/** Functions of Node by name, ours with their file. */
function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (!url.startsWith('file:')) return functionName
  const [, part] = /\/packages\/([^/]+)\/dist\//.exec(url) ?? []
  const place = part === undefined ? `${basename(url)}:${lineNumber + 1}` : `@demo/${part}`
  return functionName === '' ? place : `${functionName} ${place}`
}
