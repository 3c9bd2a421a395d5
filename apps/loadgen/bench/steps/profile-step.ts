import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure, startOnPort } from '../../../server/bench/peers.ts'
import type { Peer } from '../peers/catalogue.ts'
import type { Times } from '../peers/measure-round.ts'
import { type CpuProfile, type SelfTime, selfTimes } from './cpu-profile.ts'

const microseconds = () => Number(process.hrtime.bigint() / 1000n)

/**
 * Profiles a server under full load after a warm-up: 100 connections with 1000 requests in flight on each.
 *
 * @param load the path of the neutral client
 */
export async function profileStep(load: string, step: Peer, { warmup, duration }: Times): Promise<SelfTime[]> {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'))
  try {
    const server = await startOnPort((port) => {
      const [node, ...args] = step.command(port, '')
      return [node, '--cpu-prof', `--cpu-prof-dir=${folder}`, ...args]
    })
    const from = microseconds() + warmup * 1000
    measure(load, server.port, { window: 1000, payload: 25, seconds: duration / 1000, warmup: warmup / 1000 })
    const to = from + duration * 1000
    // Node writes the profile when the program ends.
    await server.stop()
    const [file] = readdirSync(folder)
    if (file === undefined) throw new Error(`${step.name} wrote no profile`)
    return selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, from, to)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
