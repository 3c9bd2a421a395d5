import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { startDemoServer } from '../test/demo-server.ts'
import type * as FullLoad from './attacks/full-load.ts'
import { startAttacker } from './stage/attacker.ts'
import { compile, noCompiler } from './stage/compiled.ts'
import { type Figures, mebibytes, milliseconds, seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { type Stage, stageOf, strikeStage, timeUntil, untilConnected } from './stage/stage.ts'

const CLIENTS = 50
const MEBIBYTE = 1024 * 1024

/** Long enough for 200 requests of the healthy client: a 99th percentile is not to be its worst of a few. */
const BASELINE = 4000

/**
 * How long the machine itself may stand still now and then, in milliseconds: the 99th percentile is three to five of some
 * hundred requests. A server that let these peers starve the healthy one would be far above it.
 */
const MACHINE_STALL = 23

/** How long those are watched whom no time limit ends, in milliseconds. */
const HELD = 6000

/** The time limit of the others, in milliseconds. */
const WRITE_TIMEOUT = 6000

row(
  3,
  '50 that pipeline and never read, held by the byte limit',
  async (figures) => {
    const stage = await warmStage(['--write-timeout', '0'])
    const { closings, peak } = await attack(stage, () => sleep(HELD))
    figures.atMost('peak of memory, above before', peak, 64 * MEBIBYTE + CLIENTS * MEBIBYTE, mebibytes)
    figures.exactly('closed', closings.length, 0)
    await finish(stage, figures)
  },
  noCompiler,
)

row(
  3,
  '50 that pipeline and never read, closed by the time limit',
  async (figures) => {
    const stage = await warmStage(['--max-write-buffer', '0', '--write-timeout', `${WRITE_TIMEOUT}ms`])
    const { server } = stage
    const closed = async () => ((await server.scrape()).closed['write-timeout'] ?? 0) === CLIENTS
    let took = Number.NaN
    const { peak } = await attack(stage, async () => {
      took = await timeUntil(closed, 20_000)
    })
    figures.atMost('peak of memory, above before', peak, 64 * MEBIBYTE + CLIENTS * MEBIBYTE, mebibytes)
    figures.exactly('closed as write-timeout', (await server.scrape()).closed['write-timeout'] ?? 0, CLIENTS)
    figures.atMost('all of them after', took, WRITE_TIMEOUT / 1000 + 2, seconds)
    await finish(stage, figures)
  },
  noCompiler,
)

/** A server that has worked before: one that has only just started runs code that is not compiled yet. */
async function warmStage(flags: readonly string[]): Promise<Stage> {
  const server = await startDemoServer(flags)
  const load = startAttacker<typeof FullLoad>('full-load')
  await load.do('load', server.port, CLIENTS, 1000, 20_000)
  load.kill()
  return stageOf(Promise.resolve(server), { baseline: BASELINE })
}

/** Lets them pipeline while something happens: when their connections were gone, and the most memory that it took. */
async function attack(stage: Stage, during: () => Promise<void>): Promise<{ closings: string[]; peak: number }> {
  const { server, meter, healthy } = stage
  const program = compile('never-reading')
  await healthy.health()
  meter.forgetPeak()
  const before = meter.residentBytes
  const child = spawn(program, [String(server.port), String(CLIENTS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await during()
  const closings = printed.split('\n').slice(0, -1)
  const peak = meter.peakBytes - before
  child.kill('SIGKILL')
  await untilConnected(stage, 1)
  return { closings, peak }
}

async function finish(stage: Stage, figures: Figures): Promise<void> {
  const { baseline } = stage.healthy
  const { p99 } = await stage.healthy.note(figures)
  figures.atMost('healthy client, p99', p99, 2 * baseline.p99 + MACHINE_STALL, milliseconds)
  await strikeStage(stage, figures)
}
