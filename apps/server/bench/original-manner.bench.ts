/**
 * Load in the manner of the original Go series: 100 connections, no window, each request in two small writes, acks read
 * in three reads. What a request costs the server in processor time, and the acks a second, for the three kinds of the
 * original's server and `demo-server`. One after the other in each round; the median of three rounds and the worst.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { formatRate } from '../../loadgen/bench/peers/format.ts'
import { isInstalled } from '../../loadgen/bench/peers/prepare.ts'
import { buildGo, median, type Running, startNode, startOnPort } from './peers.ts'

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
/** Until the buffers of the system are full. */
const WARMUP_SECONDS = 2
/** How long the last answers may take: without a window, millions of requests wait in the buffers. */
const PATIENCE_SECONDS = 60
/** Microseconds of processor time that a request may cost `demo-server`. */
const AT_MOST = 1
const AIM = 0.6

/** A server to be measured. */
interface Contender {
  readonly name: string
  readonly ours: boolean
  /** Acks that its buffers keep are lost to the client. */
  readonly leavesUnanswered: boolean
  start(): Promise<Running>
}

/** One measurement. */
interface Sample {
  readonly acksPerSecond: number
  /** Microseconds of the server's processor time for a request. */
  readonly cost: number
  readonly clientCores: number
  readonly lost: number
}

/** The line of `original-client`. */
interface ClientReport {
  readonly acksPerSecond: number
  readonly lost: number
  readonly wrongIds: number
  readonly clientCpu: number
  /** Cores that the server was busy on. */
  readonly serverCpu: number
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const DEMO_SERVER = path('../dist/main.js')

if (isInstalled('go')) await compare()
else console.log('left out, go is not installed')

async function compare(): Promise<void> {
  const client = buildGo('original-client')
  const contenders = [...originals(buildGo('original-server')), ...demoServers()]
  const measured = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [contender, samples] of measured) samples.push(await measure(client, contender))
  }
  print(measured)
}

function originals(program: string): Contender[] {
  return ['fields', 'buffered', 'pooled'].map((kind) => ({
    name: `original, ${kind}`,
    ours: false,
    leavesUnanswered: kind !== 'fields',
    start: () => startOnPort((port) => [program, '--kind', kind, '--port', `${port}`]),
  }))
}

function demoServers(): Contender[] {
  const { stdout: help } = spawnSync(process.execPath, [DEMO_SERVER, '--help'], { encoding: 'utf8' })
  const engines = help.includes('--engine ') ? ['native', 'node'] : []
  return [[], ...engines.map((engine) => ['--engine', engine])].map((flags) => ({
    name: ['demo-server', ...flags].join(' '),
    ours: true,
    leavesUnanswered: false,
    start: () => startNode(DEMO_SERVER, ['--port', '0', '--metrics-port', '0', ...flags]),
  }))
}

/** @throws when a request was lost or answered wrongly, unless acks stay in the server's buffers */
async function measure(client: string, { name, leavesUnanswered, start }: Contender): Promise<Sample> {
  const server = await start()
  try {
    const { acksPerSecond, lost, wrongIds, clientCpu, serverCpu } = drive(client, server)
    if (wrongIds > 0 || (lost > 0 && !leavesUnanswered)) throw new Error(`${name}: ${lost} lost, ${wrongIds} wrong`)
    return { acksPerSecond, cost: (serverCpu * 1e6) / acksPerSecond, clientCores: clientCpu, lost }
  } finally {
    await server.stop()
  }
}

function drive(client: string, { port, pid }: Running): ClientReport {
  const times = { warmup: WARMUP_SECONDS, seconds: SECONDS, patience: PATIENCE_SECONDS }
  const args = { port, connections: 100, payload: 25, ...times, 'server-pid': pid }
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, `${value}`])
  const { stdout, stderr } = spawnSync(client, flags, { encoding: 'utf8' })
  if (stdout === '' || stderr !== '') throw new Error(stderr.trim())
  return JSON.parse(stdout) as ClientReport
}

function print(measured: ReadonlyMap<Contender, readonly Sample[]>): void {
  const rows = [...measured].map(([contender, samples]) => {
    const rates = samples.map(({ acksPerSecond }) => acksPerSecond)
    const costs = samples.map(({ cost }) => cost)
    return {
      ...contender,
      rate: median(rates),
      worstRate: Math.min(...rates),
      cost: median(costs),
      worstCost: Math.max(...costs),
      clientCores: median(samples.map((sample) => sample.clientCores)),
      lost: Math.max(...samples.map((sample) => sample.lost)),
    }
  })
  const best = Math.max(...rows.filter(({ ours }) => !ours).map(({ rate }) => rate))
  const line = (name: string, cells: readonly string[]) =>
    console.log(`${name.padEnd(28)}${cells.map((cell) => cell.padStart(11)).join('')}`)

  line('', ['acks/s', 'worst', 'µs/request', 'worst', 'client CPU', 'lost'])
  for (const { name, ours, rate, worstRate, cost, worstCost, clientCores, lost } of rows) {
    const rates = [formatRate(rate), formatRate(worstRate)]
    const costs = [cost.toFixed(2), worstCost.toFixed(2)]
    line(name, [...rates, ...costs, clientCores.toFixed(2), `${lost}`, ...(ours ? [verdict(cost, rate, best)] : [])])
  }
  console.log(
    `demo-server: at most ${AT_MOST} µs a request, aim ${AIM}, and more acks a second than each of the original's`,
  )
}

function verdict(cost: number, rate: number, best: number): string {
  if (cost > AT_MOST || rate <= best) return 'MISSED'
  return cost <= AIM ? 'reached' : 'between'
}
