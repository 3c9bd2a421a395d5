/**
 * How reliable `demo-loadgen compare` is: pairs of the same build should show no difference, pairs with a build that is
 * 10 % slower should show it. The runs of a pair are interleaved, and each has a new server, because one process can be
 * faster than another of the same build.
 *
 *     pnpm bench compare                                ten pairs of each, about twenty minutes
 *     tsx apps/loadgen/bench/compare.bench.ts same 1    one pair of the same build
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startNode } from '../../server/bench/peers.ts'

const RUNS = 12
const STEPS = 2000
const SLOWER = 1.1
const IDLE_ENOUGH = 0.9
const PATIENCE = 2000

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const LOADGEN = path('../dist/main.js')

interface Build {
  readonly script: string
  readonly args: readonly string[]
  readonly window: number
}

const demoServer: Build = {
  script: path('../../server/dist/main.js'),
  args: ['--port', '0', '--metrics-port', '0'],
  window: 1000,
}

/** The handler is almost the whole cost of a request, so its time is that of the build. */
const burning = (steps: number): Build => ({
  script: path('../../server/bench/handlers-server.ts'),
  args: ['burning', String(Math.round(steps))],
  window: 10,
})

const KINDS: Record<string, { readonly builds: readonly [Build, Build]; readonly expected: string }> = {
  same: { builds: [demoServer, demoServer], expected: 'no difference seen' },
  slower: { builds: [burning(STEPS), burning(STEPS * SLOWER)], expected: 'worse' },
}

const [kinds = Object.keys(KINDS).join(','), pairs = '10'] = process.argv.slice(2)
for (const kind of kinds.split(',')) {
  const chosen = KINDS[kind]
  if (chosen === undefined) throw new RangeError(`invalid kind '${kind}': expected ${Object.keys(KINDS).join(' or ')}`)
  const { builds, expected } = chosen
  let right = 0
  for (let pair = 1; pair <= Number(pairs); pair += 1) {
    const verdict = await comparePair(builds)
    if (verdict.startsWith(expected)) right += 1
    console.log(`${kind} ${pair}: ${verdict}`)
  }
  console.log(`${kind}: "${expected}" ${right} times of ${pairs}`)
}

async function comparePair(builds: readonly [Build, Build]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'compare-bench-'))
  try {
    const files: [string[], string[]] = [[], []]
    for (let i = 0; i < RUNS; i += 1) {
      // The order alternates.
      for (const side of i % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const file = join(folder, `${side}-${i}.json`)
        await idle()
        await measure(builds[side], file)
        files[side].push(file)
      }
    }
    const named = [...files[0].flatMap((file) => ['--before', file]), ...files[1].flatMap((file) => ['--after', file])]
    const { stdout, stderr } = spawnSync(process.execPath, [LOADGEN, 'compare', ...named], { encoding: 'utf8' })
    console.log(stdout + stderr)
    return /^verdict: (.*)$/m.exec(stdout)?.[1] ?? 'no verdict'
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure({ script, args, window }: Build, file: string): Promise<void> {
  const server = await startNode(script, args)
  const load = ['--warmup', '500ms', '--duration', '1s', '--window', String(window), '--json', file]
  const { status, stderr } = spawnSync(process.execPath, [LOADGEN, '--port', String(server.port), ...load], {
    encoding: 'utf8',
  })
  await server.stop()
  if (status !== 0) throw new Error(stderr)
}

/** Waits until the machine is idle, up to a limit. */
async function idle(): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (performance.now() < deadline) {
    const before = idleTime()
    const since = performance.now()
    await sleep(100)
    if ((idleTime() - before) / ((performance.now() - since) * availableParallelism()) > IDLE_ENOUGH) return
  }
}

/** Of all processors together, in milliseconds. */
function idleTime(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0)
}
