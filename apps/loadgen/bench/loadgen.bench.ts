/**
 * How much load `demo-loadgen` makes with one thread: against `demo-server` on the same cores, and against the floor, where
 * the generator is the limit.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build, type Running, startFloor, startNode } from '../../server/bench/peers.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const floor = build('floor')

const TARGETS = [
  {
    name: 'demo-server',
    least: 8,
    start: () => startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0']),
  },
  { name: 'the floor', least: 10, start: () => startFloor(floor) },
]

for (const { name, least, start } of TARGETS) {
  const server = await start()
  const { acksPerSecond, unanswered, mismatched, latencyMs } = run(server)
  await server.stop()
  const rate = `${(acksPerSecond / 1e6).toFixed(2)} M acks/s (at least ${least} M wanted)`
  console.log(`against ${name}: ${rate}, ${unanswered} unanswered, ${mismatched} mismatched`)
  console.log(`  p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`)
}

/** The parts of the JSON that are used. */
interface RunJson {
  readonly acksPerSecond: number
  readonly unanswered: number
  readonly mismatched: number
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

function run({ port }: Running): RunJson {
  const flags = { port, window: 1000, duration: '5s', warmup: '1s', json: '-' }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`])
  const json = execFileSync(process.execPath, [path('../dist/main.js'), 'run', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(json) as RunJson
}
