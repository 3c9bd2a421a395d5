/**
 * The speed of `demo-server`, with metrics, as a share of the floor's: the same client, 100 connections, in turns within the
 * same minute; the median of three rounds.
 */
import { fileURLToPath } from 'node:url'
import { build, drive, median, startFloor, startNode } from './peers.ts'

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const demoServer = path('../dist/main.js')
const handlersServer = path('./handlers-server.ts')
const anyPorts = ['--port', '0', '--metrics-port', '0']

const ROWS = [
  {
    name: 'window 1000, default handler',
    window: 1000,
    payload: 25,
    script: demoServer,
    args: anyPorts,
    least: 0.5,
    aim: 0.75,
  },
  { name: 'window 1', window: 1, payload: 25, script: demoServer, args: anyPorts, least: 0.6, aim: 0.7 },
  { name: 'window 8', window: 8, payload: 25, script: demoServer, args: anyPorts, least: 0.6, aim: 0.7 },
  {
    name: 'window 100, payload 1024',
    window: 100,
    payload: 1024,
    script: demoServer,
    args: anyPorts,
    least: 0.5,
    aim: 0.65,
  },
  {
    name: 'window 1000, the same, packets may be kept',
    window: 1000,
    payload: 25,
    script: handlersServer,
    args: ['nothing'],
    least: 0.25,
    aim: 0.5,
  },
  {
    name: 'window 1000, handler reads payload and id',
    window: 1000,
    payload: 25,
    script: handlersServer,
    args: ['reading'],
    least: 0.12,
    aim: 0.25,
  },
  {
    name: 'window 1000, the same, reuseReadBuffer',
    window: 1000,
    payload: 25,
    script: handlersServer,
    args: ['reading', 'reuse'],
    least: 0.12,
    aim: 0.25,
  },
  {
    name: 'window 1000, async handler',
    window: 1000,
    payload: 25,
    script: handlersServer,
    args: ['async'],
    least: 0.12,
    aim: 0.2,
  },
]

const load = build('load')
const floor = build('floor')
const millions = (rate: number) => `${(rate / 1e6).toFixed(2)} M`.padStart(9)

console.log(`${''.padEnd(44)}${'floor'.padStart(9)}${'ours'.padStart(9)}   ratio  least   aim`)
for (const { name, window, payload, script, args, least, aim } of ROWS) {
  const rounds: { floor: number; ours: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const rateOf = async (starting: ReturnType<typeof startNode>) => {
      const server = await starting
      const { acksPerSecond } = drive(load, server.port, window, payload, SECONDS)
      await server.stop()
      return acksPerSecond
    }
    const floorRate = await rateOf(startFloor(floor))
    rounds.push({ floor: floorRate, ours: await rateOf(startNode(script, args)) })
  }
  const ratio = median(rounds.map(({ floor, ours }) => ours / floor))
  const verdict = ratio >= aim ? 'reached' : ratio >= least ? 'between' : 'MISSED'
  console.log(
    `${name.padEnd(44)}${millions(median(rounds.map(({ floor }) => floor)))}${millions(median(rounds.map(({ ours }) => ours)))}   ${ratio.toFixed(2)}   ${least.toFixed(2)}  ${aim.toFixed(2)}  ${verdict}`,
  )
}
