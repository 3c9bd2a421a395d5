/**
 * Whether the memory of `demo-loadgen` grows during a run against `demo-server` on the same cores: compares the medians of the
 * second and the last minute. It is not part of `pnpm bench`, because it takes ten minutes:
 *
 *     npx tsx apps/loadgen/bench/memory.long.ts [minutes]
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median, startNode } from '../../server/bench/peers.ts'

const MINUTE = 60
const WARMUP = 2

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const minutes = Number(process.argv[2] ?? 10)
const seconds = Math.round(minutes * MINUTE)
const server = await startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0'])

const flags = ['--port', `${server.port}`, '--warmup', `${WARMUP}s`, '--duration', `${seconds}s`, '--quiet']
const loadgen = spawn(process.execPath, [path('../dist/main.js'), 'run', ...flags], { stdio: 'ignore' })
await sleep(WARMUP * 1000)
const samples: number[] = []
while (samples.length < seconds && loadgen.exitCode === null) {
  samples.push(residentMebibytes(loadgen.pid))
  await sleep(1000)
}
loadgen.kill('SIGKILL')
await server.stop()

// In a short run, the second and the last quarter.
const part = Math.min(MINUTE, Math.max(1, Math.floor(samples.length / 4)))
const [early, late] = [median(samples.slice(part, 2 * part)), median(samples.slice(-part))]
console.log(
  `resident memory: ${early.toFixed(1)} MiB from second ${part} to ${2 * part}, ${late.toFixed(1)} MiB in the last ${part} s, ratio ${(late / early).toFixed(3)}`,
)

function residentMebibytes(pid: number | undefined): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}
