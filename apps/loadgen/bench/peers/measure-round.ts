import { readFileSync } from 'node:fs'
import { measure, type Running } from '../../../server/bench/peers.ts'
import type { Peer } from './catalogue.ts'
import type { ReadyPeer } from './prepare.ts'
import { hasOwnPayload, nameOf, type Row } from './row.ts'
import type { Sample } from './sample.ts'

/** How long each measurement takes, in milliseconds. */
export interface Times {
  readonly warmup: number
  readonly duration: number
}

/** How long the last answers may take, in seconds. */
const PATIENCE = 1

/** The unit of the times in /proc: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * One round: measures each peer in turn under each load. All peers run during the whole round; the others are idle.
 *
 * @param load the path of the neutral client
 * @throws if a request was lost or answered wrongly, except for a peer that shows this fault
 */
export async function measureRound(
  load: string,
  peers: readonly ReadyPeer[],
  rows: readonly Row[],
  times: Times,
  tell: (line: string) => void,
): Promise<Sample[]> {
  const round = new Date().toISOString()
  const servers: { readonly peer: Peer; readonly server: Running }[] = []
  const samples: Sample[] = []
  try {
    for (const { peer, start } of peers) servers.push({ peer, server: await start() })
    for (const row of rows) {
      for (const { peer, server } of servers) {
        // A PING has no payload, so it can't be compared with large payloads.
        if (peer.resp && hasOwnPayload(row)) continue
        const { port, pid } = server
        const before = cpuSeconds(pid)
        const began = performance.now()
        const { acksPerSecond, lost, wrongIds, clientCpu } = measure(load, port, {
          ...row,
          seconds: times.duration / 1000,
          warmup: times.warmup / 1000,
          patience: peer.leavesUnanswered ? PATIENCE : 10,
          resp: peer.resp ?? false,
        })
        if (wrongIds > 0 || (lost > 0 && !peer.leavesUnanswered)) {
          throw new Error(`${peer.name}, ${nameOf(row)}: ${lost} requests lost, ${wrongIds} connections with wrong IDs`)
        }
        const after = cpuSeconds(pid)
        const seconds = (performance.now() - began) / 1000
        const cores = before === undefined || after === undefined ? {} : { cores: (after - before) / seconds }
        samples.push({ round, peer: peer.id, ...row, ...times, acksPerSecond, lost, ...cores, clientCores: clientCpu })
        tell(`${nameOf(row).padEnd(20)} ${peer.name.padEnd(24)} ${Math.round(acksPerSecond).toLocaleString('en-US')}/s`)
      }
    }
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()))
  }
  return samples
}

/** The processor time of a process; undefined if the system does not report it. */
function cpuSeconds(pid: number): number | undefined {
  try {
    // The second field, the name, can contain spaces and brackets. After it, the times are fields 12 and 13.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return undefined
  }
}
