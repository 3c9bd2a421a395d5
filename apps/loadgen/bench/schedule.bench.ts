/** How late `demo-loadgen` sends requests at 50,000 a second against `demo-server` on the same cores. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median, startNode } from '../../server/bench/peers.ts'

interface Times {
  readonly p50: number
  readonly p99: number
}

const ROUNDS = 5
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const server = await startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0'])

for (const connections of [10, 100]) {
  const rounds = Array.from({ length: ROUNDS }, () => measure(connections))
  const [p50, p99] = (['p50', 'p99'] as const).map((key) => median(rounds.map(({ lag }) => lag[key])))
  const best = Math.min(...rounds.map(({ lag }) => lag.p99))
  console.log(
    `${connections} connections: schedule error p50 ${p50} ms, p99 ${p99} ms (median of ${ROUNDS}; best ${best}; at most 1 wanted)`,
  )
}
await server.stop()

function measure(connections: number): { lag: Times } {
  const shape = ['--rate', '50k', '--connections', String(connections), '--duration', '3s', '--warmup', '1s']
  const args = [path('../dist/main.js'), 'run', '--port', String(server.port), ...shape, '--json', '-']
  // A saturated run does not fail: its lag is the result.
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return { lag: (JSON.parse(stdout) as { scheduleLagMs: Times }).scheduleLagMs }
}
