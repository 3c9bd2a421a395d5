import { ExitError, ExitStatus } from '@demo/cli'
import { build } from '../../../server/bench/peers.ts'
import type { Peer } from './catalogue.ts'
import type { MeasuringOptions } from './flags.ts'
import { measureRound } from './measure-round.ts'
import { isInstalled, prepare } from './prepare.ts'
import { keepSamples, readSamples, type Sample } from './sample.ts'

/** The samples of this and of earlier runs. */
export interface Gathered {
  /** The path of the neutral client. */
  readonly load: string
  readonly samples: readonly Sample[]
  /** A line for each peer that could not be measured. */
  readonly leftOut: readonly string[]
}

/**
 * Builds the peers and measures them in rounds. Reports its progress on standard error.
 *
 * @throws ExitError if a peer can't be built or measured
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
