/**
 * How much load `demo-loadgen` makes with one thread and each engine: against `demo-server` on the same cores, and against the
 * floor, where the generator is the limit. Each latency is recorded.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build, type Running, startFloor, startNode } from '../../server/bench/peers.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const floor = build('floor')

const TARGETS = [
  {
    name: 'demo-server',
    least: { native: 8, node: 8 },
    start: () => startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0']),
  },
  { name: 'the floor', least: { native: 15, node: 10 }, start: () => startFloor(floor) },
]

const ENGINES = ['native', 'node'] as const

for (const { name, least, start } of TARGETS) {
  for (const engine of ENGINES) {
    const server = await start()
    const { acksPerSecond, unanswered, mismatched, latencyMs } = run(server, engine)
    await server.stop()
    const rate = `${(acksPerSecond / 1e6).toFixed(2)} M acks/s (at least ${least[engine]} M wanted)`
    console.log(`engine ${engine}, against ${name}: ${rate}, ${unanswered} unanswered, ${mismatched} mismatched`)
    console.log(`  p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`)
  }
}

/** The parts of the JSON that are used. */
interface RunJson {
  readonly acksPerSecond: number
  readonly unanswered: number
  readonly mismatched: number
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

function run({ port }: Running, engine: (typeof ENGINES)[number]): RunJson {
  const flags = { port, engine, window: 1000, duration: '5s', warmup: '1s', json: '-' }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`])
  const json = execFileSync(process.execPath, [path('../dist/main.js'), 'run', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(json) as RunJson
}
