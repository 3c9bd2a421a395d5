import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { basename, delimiter, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, startOnPort } from '../../../server/bench/peers.ts'
import type { Peer } from './catalogue.ts'

const BUILT = fileURLToPath(new URL('../../../../node_modules/.cache/peers/', import.meta.url))

/** A peer that can be started. */
export interface ReadyPeer {
  readonly peer: Peer
  start(): Promise<Running>
}

/** The peers that can be measured, and a line about each other one. */
export interface Prepared {
  readonly ready: readonly ReadyPeer[]
  readonly leftOut: readonly string[]
}

/** Builds the peers for which a compiler is installed. @throws if a source does not compile */
export function prepare(peers: readonly Peer[]): Prepared {
  const ready: ReadyPeer[] = []
  const leftOut: string[] = []
  // Also the working folder of peers that need no build.
  mkdirSync(BUILT, { recursive: true })
  for (const peer of peers) {
    if (peer.needs !== undefined && !isInstalled(peer.needs)) {
      leftOut.push(`${peer.name}: left out, ${peer.needs} is not installed`)
      continue
    }
    const built = peer.source === undefined ? '' : build(peer.source)
    const env = { ...process.env, ...peer.environment }
    ready.push({ peer, start: () => startOnPort((port) => peer.command(port, built), { env, cwd: BUILT }) })
  }
  return { ready, leftOut }
}

/** Whether a program is in the search path. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @returns the path of the built program */
function build({ file, compiler: [compiler = '', ...flags] }: NonNullable<Peer['source']>): string {
  const program = join(BUILT, basename(file, extname(file)))
  execFileSync(compiler, [...flags, program, file], { stdio: 'inherit', env: { ...process.env, GO111MODULE: 'off' } })
  return program
}
