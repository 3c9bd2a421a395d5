/**
 * Builds the peers, drives each and `demo-server` in turn with the same client, and writes what came of it into
 * docs/benchmarks.md: `pnpm bench:peers`, about five minutes; `pnpm bench:peers --rounds 1 --windows 1,1000`, one.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addFlags, Command, ExitError, ExitStatus, parseCommandLine, runProgram, type Values } from '@demo/cli'
import { build } from '../../../server/bench/peers.ts'
import { PEERS } from './catalogue.ts'
import { measuringFlags } from './flags.ts'
import { measureRound } from './measure-round.ts'
import { isInstalled, prepare } from './prepare.ts'
import { drawPeers, writePeers } from './report.ts'
import { keepSamples, readSamples } from './sample.ts'

const FLAGS = measuringFlags('3', '1,8,64,1000,100x1024')

await runProgram('bench:peers', async () => {
  const program = new Command('bench:peers')
    .description('Measures demo-server against its peers, and writes docs/benchmarks.md.')
    .action(() => measureAndWrite(program.opts<Values<typeof FLAGS>>()))
  addFlags(program, 'DEMO_BENCH', FLAGS)
  await parseCommandLine(program, process.argv)
  return ExitStatus.ok
})

async function measureAndWrite({ rounds, windows: rows, duration, warmup, samples: file, docs }: Values<typeof FLAGS>) {
  if (!isInstalled('cc')) {
    throw new ExitError(
      ExitStatus.failed,
      'the client that drives all servers is in C: install a compiler, gcc or clang',
    )
  }
  const load = build('load')
  const { ready, leftOut } = prepare(PEERS)
  for (const line of leftOut) process.stderr.write(`${line}\n`)

  const samples = file === undefined ? [] : readSamples(file)
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`)
    const measured = await measureRound(load, ready, rows, { duration, warmup }, (line) =>
      process.stderr.write(`  ${line}\n`),
    )
    samples.push(...measured)
    if (file !== undefined) keepSamples(file, measured)
  }
  if (samples.length === 0)
    throw new ExitError(ExitStatus.usage, 'nothing was measured: --rounds 0 wants --samples of earlier rounds')

  const report = { samples, rows, leftOut }
  const document = join(docs, 'benchmarks.md')
  const text = writePeers(readFileSync(document, 'utf8'), report)
  mkdirSync(join(docs, 'images'), { recursive: true })
  writeFileSync(join(docs, 'images/peers.svg'), drawPeers(report))
  writeFileSync(document, text)
  process.stdout.write(`written: ${document}, ${join(docs, 'images/peers.svg')}\n`)
}
