/**
 * Compares `demo-server` with that of another, built checkout: pairs of fresh processes in turns, 100 connections, windows
 * 1 and 1000. It is not part of `pnpm bench`, because it needs the other checkout:
 *
 *     git worktree add ../before COMMIT && (cd ../before && node scripts/setup.mjs build)
 *     npx tsx apps/server/bench/beside.long.ts ../before [pairs]
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, drive, median, startNode } from './peers.ts'

const SECONDS = 2
/** The lowest allowed ratio. */
const LEAST = 0.97

const MAIN = 'apps/server/dist/main.js'
const [before, pairs = '8'] = process.argv.slice(2)
if (before === undefined) throw new Error('missing argument: the folder of another checkout')
const theirs = resolve(before, MAIN)
const ours = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const load = build('load')

for (const window of [1, 1000]) {
  const ratios: number[] = []
  for (let pair = 0; pair < Number(pairs); pair++) {
    // Each side is the first in half of the pairs.
    const rates = { theirs: 0, ours: 0 }
    if (pair % 2 === 0) rates.theirs = await measure(theirs, window)
    rates.ours = await measure(ours, window)
    if (pair % 2 === 1) rates.theirs = await measure(theirs, window)
    ratios.push(rates.ours / rates.theirs)
    console.log(`window ${window}: ${millions(rates.theirs)}, then ${millions(rates.ours)}`)
  }
  const ratio = median(ratios)
  console.log(
    `window ${window}: ratio ${ratio.toFixed(3)}, at least ${LEAST}: ${ratio >= LEAST ? 'reached' : 'MISSED'}`,
  )
}

function millions(rate: number): string {
  return `${(rate / 1e6).toFixed(3)} M`
}

async function measure(script: string, window: number): Promise<number> {
  const server = await startNode(script, ['--port', '0', '--metrics-port', '0'])
  try {
    return drive(load, server.port, window, 25, SECONDS).acksPerSecond
  } finally {
    await server.stop()
  }
}
