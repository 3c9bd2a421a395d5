import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { startDemoServer } from '../test/demo-server.ts'
import type * as FullLoad from './attacks/full-load.ts'
import { startAttacker } from './fixture/attacker.ts'
import { compile, noCompiler } from './fixture/compiled.ts'
import { type Figures, mebibytes, milliseconds, seconds } from './fixture/figures.ts'
import { type Fixture, fixtureOf, teardown, timeUntil, untilConnected } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CLIENTS = 50
const MEBIBYTE = 1024 * 1024

/** In milliseconds; long enough for 200 requests of the healthy client, so that the 99th percentile is not the slowest of a few. */
const BASELINE = 4000

/**
 * How long a stall of the machine itself may take, in milliseconds: the slowest three to five of some hundred requests are
 * above the 99th percentile. A server in which these peers starve the healthy one would be far above this limit.
 */
const MACHINE_STALL = 23

/** How long the peers without a time limit are watched, in milliseconds. */
const HELD = 6000

/** The time limit of the others, in milliseconds. */
const WRITE_TIMEOUT = 6000

scenario(
  3,
  '50 that pipeline and never read, held by the byte limit',
  async (figures) => {
    const fixture = await warmFixture(['--write-timeout', '0'])
    const { closings, peak } = await attack(fixture, () => sleep(HELD))
    figures.atMost('peak of memory, above before', peak, 64 * MEBIBYTE + CLIENTS * MEBIBYTE, mebibytes)
    figures.exactly('closed', closings.length, 0)
    await finish(fixture, figures)
  },
  noCompiler,
)

scenario(
  3,
  '50 that pipeline and never read, closed by the time limit',
  async (figures) => {
    const fixture = await warmFixture(['--max-write-buffer', '0', '--write-timeout', `${WRITE_TIMEOUT}ms`])
    const { server } = fixture
    const closed = async () => ((await server.scrape()).closed['write-timeout'] ?? 0) === CLIENTS
    let took = Number.NaN
    const { peak } = await attack(fixture, async () => {
      took = await timeUntil(closed, 20_000)
    })
    figures.atMost('peak of memory, above before', peak, 64 * MEBIBYTE + CLIENTS * MEBIBYTE, mebibytes)
    figures.exactly('closed as write-timeout', (await server.scrape()).closed['write-timeout'] ?? 0, CLIENTS)
    figures.atMost('all of them after', took, WRITE_TIMEOUT / 1000 + 2, seconds)
    await finish(fixture, figures)
  },
  noCompiler,
)

/** The fixture of a server that has worked before. The code of a server that has just started is not compiled yet. */
async function warmFixture(flags: readonly string[]): Promise<Fixture> {
  const server = await startDemoServer(flags)
  const load = startAttacker<typeof FullLoad>('full-load')
  await load.do('load', server.port, CLIENTS, 1000, 20_000)
  load.kill()
  return fixtureOf(Promise.resolve(server), { baseline: BASELINE })
}

/** Runs the attack until `during` settles. Returns when its connections ended, and the peak of memory. */
async function attack(fixture: Fixture, during: () => Promise<void>): Promise<{ closings: string[]; peak: number }> {
  const { server, meter, healthy } = fixture
  const program = compile('never-reading')
  await healthy.health()
  meter.resetPeak()
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
  await untilConnected(fixture, 1)
  return { closings, peak }
}

async function finish(fixture: Fixture, figures: Figures): Promise<void> {
  const { baseline } = fixture.healthy
  const { p99 } = await fixture.healthy.record(figures)
  figures.atMost('healthy client, p99', p99, 2 * baseline.p99 + MACHINE_STALL, milliseconds)
  await teardown(fixture, figures)
}
