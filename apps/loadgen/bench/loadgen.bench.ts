/** How much load `demo-loadgen` makes, every latency recorded: against `demo-server` on the same cores. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startNode } from '../../server/bench/peers.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const server = await startNode(path('../../server/dist/main.js'), ['--port', '0', '--metrics-port', '0'])
const args = [
  'run',
  '--port',
  String(server.port),
  '--window',
  '1000',
  '--duration',
  '5s',
  '--warmup',
  '1s',
  '--json',
  '-',
]
const json = execFileSync(process.execPath, [path('../dist/main.js'), ...args], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
})
await server.stop()
const { acksPerSecond, unanswered, mismatched, latencyMs } = JSON.parse(json) as {
  acksPerSecond: number
  unanswered: number
  mismatched: number
  latencyMs: { p50: number; p99: number }
}
console.log(
  `${(acksPerSecond / 1e6).toFixed(2)} M acks/s (at least 8 M wanted), ${unanswered} unanswered, ${mismatched} mismatched`,
)
console.log(`p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`)
