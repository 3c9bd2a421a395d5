import { ExitError, ExitStatus } from '@demo/cli'
import { build } from '../../../server/bench/peers.ts'
import type { Peer } from './catalogue.ts'
import type { MeasuringOptions } from './flags.ts'
import { measureRound } from './measure-round.ts'
import { isInstalled, prepare } from './prepare.ts'
import { keepSamples, readSamples, type Sample } from './sample.ts'

/** What was measured, now and before. */
export interface Gathered {
  /** The neutral client, built. */
  readonly load: string
  readonly samples: readonly Sample[]
  /** A word about each peer that could not be measured. */
  readonly leftOut: readonly string[]
}

/**
 * Builds what can be built, and measures it in as many rounds as were asked for. Tells on standard error how it goes.
 *
 * @throws ExitError where that can't be done
 */
export async function gatherSamples(peers: readonly Peer[], options: MeasuringOptions): Promise<Gathered> {
  const { rounds, windows, samples: file } = options
  const tell = (line: string) => process.stderr.write(`${line}\n`)
  if (!isInstalled('cc')) {
    throw new ExitError(
      ExitStatus.failed,
      'the client that drives all servers is in C: install a compiler, gcc or clang',
    )
  }
  const load = build('load')
  const { ready, leftOut } = prepare(peers)
  leftOut.forEach(tell)

  const samples = file === undefined ? [] : readSamples(file)
  for (let round = 1; round <= rounds; round++) {
    tell(`round ${round} of ${rounds}`)
    const measured = await measureRound(load, ready, windows, options, (line) => tell(`  ${line}`))
    samples.push(...measured)
    if (file !== undefined) keepSamples(file, measured)
  }
  if (samples.length === 0) {
    throw new ExitError(ExitStatus.usage, 'nothing was measured: --rounds 0 wants --samples of earlier rounds')
  }
  return { load, samples, leftOut }
}
