/**
 * Builds the peers, drives each and `demo-server` in turn with the same client, and writes what came of it into
 * docs/benchmarks.md: `pnpm bench:peers`, about five minutes; `pnpm bench:peers --rounds 1 --windows 1,1000`, one.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addFlags, Command, ExitStatus, parseCommandLine, runProgram, type Values } from '@demo/cli'
import { PEERS } from './catalogue.ts'
import { measuringFlags } from './flags.ts'
import { gatherSamples } from './gather.ts'
import { drawPeers, writePeers } from './report.ts'

const FLAGS = measuringFlags('3', '1,8,64,1000,100x1024')

await runProgram('bench:peers', async () => {
  const program = new Command('bench:peers')
    .description('Measures demo-server against its peers, and writes docs/benchmarks.md.')
    .action(() => measureAndWrite(program.opts<Values<typeof FLAGS>>()))
  addFlags(program, 'DEMO_BENCH', FLAGS)
  await parseCommandLine(program, process.argv)
  return ExitStatus.ok
})

async function measureAndWrite(flags: Values<typeof FLAGS>) {
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
