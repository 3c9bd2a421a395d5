import { basename } from 'node:path'

/** What `node --cpu-prof` writes, as far as it is read here. */
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

/** What one function itself took of the time in which the processor was busy. */
export interface SelfTime {
  readonly name: string
  /** From 0 to 1. */
  readonly share: number
}

/**
 * The functions that took most time by themselves, the greediest first.
 *
 * @param from  only what happened from then on, in microseconds of the monotonic clock: starting up is of no interest
 * @param to    and before then
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

/** Functions of Node by their name; ours with their place. */
function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (!url.startsWith('file:')) return functionName
  const [, part] = /\/packages\/([^/]+)\/dist\//.exec(url) ?? []
  const place = part === undefined ? `${basename(url)}:${lineNumber + 1}` : `@demo/${part}`
  return functionName === '' ? place : `${functionName} ${place}`
}
