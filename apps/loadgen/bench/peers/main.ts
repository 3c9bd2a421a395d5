/**
 * Builds the peers, drives each and `demo-server` in turn with the same client, and writes the results into
 * docs/benchmarks.md: `pnpm bench:peers`, about five minutes; `pnpm bench:peers --rounds 1 --windows 1,1000`, one.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PEERS } from './catalogue.ts'
import type { MeasuringOptions } from './flags.ts'
import { gatherSamples } from './gather.ts'
import { drawPeers, writePeers } from './report.ts'
import { runBench } from './run-bench.ts'

await runBench(
  'bench:peers',
  'Measures demo-server against its peers, and writes docs/benchmarks.md.',
  '1,8,64,1000,100x1024',
  measureAndWrite,
)

async function measureAndWrite(flags: MeasuringOptions) {
  const { windows: rows, docs } = flags
  const { samples, leftOut } = await gatherSamples(PEERS, flags)
  const report = { samples, rows, leftOut }
  const document = join(docs, 'benchmarks.md')
  const text = writePeers(readFileSync(document, 'utf8'), report)
  mkdirSync(join(docs, 'images'), { recursive: true })
  writeFileSync(join(docs, 'images/peers.svg'), drawPeers(report))
  writeFileSync(document, text)
  process.stdout.write(`written: ${document}, ${join(docs, 'images/peers.svg')}\n`)
}
