/**
 * How fast `demo-server` is beside that of another checkout, built: pairs of fresh processes that take turns, 100
 * connections, windows 1 and 1000. Not among `pnpm bench`, for it needs the other checkout:
 *
 *     git worktree add ../before COMMIT && (cd ../before && node scripts/setup.mjs build)
 *     npx tsx apps/server/bench/beside.long.ts ../before [pairs]
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, drive, median, startNode } from './peers.ts'

const SECONDS = 2
/** It may not be slower than this. */
const LEAST = 0.97

const MAIN = 'apps/server/dist/main.js'
const [before, pairs = '8'] = process.argv.slice(2)
if (before === undefined) throw new Error('it needs the folder of another checkout')
const scripts = [resolve(before, MAIN), fileURLToPath(new URL('../dist/main.js', import.meta.url))] as const
const load = build('load')

for (const window of [1, 1000]) {
  const ratios: number[] = []
  for (let pair = 0; pair < Number(pairs); pair++) {
    // Neither is always the first.
    const rates = [0, 0]
    for (const side of pair % 2 === 0 ? [0, 1] : [1, 0]) rates[side] = await measure(scripts[side], window)
    ratios.push(rates[1] / rates[0])
    console.log(`window ${window}: ${rates.map((rate) => `${(rate / 1e6).toFixed(3)} M`).join(', then ')}`)
  }
  const ratio = median(ratios)
  console.log(
    `window ${window}: ratio ${ratio.toFixed(3)}, at least ${LEAST}: ${ratio >= LEAST ? 'reached' : 'MISSED'}`,
  )
}

async function measure(script: string, window: number): Promise<number> {
  const server = await startNode(script, ['--port', '0', '--metrics-port', '0'])
  try {
    return drive(load, server.port, window, 25, SECONDS).acksPerSecond
  } finally {
    await server.stop()
  }
}
