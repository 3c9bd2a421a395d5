import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import type * as Soak from './attacks/soak.ts'
import { startAttacker } from './fixture/attacker.ts'
import { SOAK_CONNECTIONS } from './fixture/capacity.ts'
import { count, mebibytes, ratio } from './fixture/figures.ts'
import { recordBaseline, startFixture, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const SEED = Number(process.env['HOSTILE_SEED'])
const MINUTE = 60_000
const DURATION = 3 * MINUTE
const INTERVAL = 1000

scenario(18, 'soak: 3 minutes at half load, 1 % of the writes faults', async (figures) => {
  const rate = inject('capacity') / 2
  const fixture = await startFixture()
  const { server, meter } = fixture
  const before = meter.descriptors
  const load = startAttacker<typeof Soak>('soak')

  const resident: number[] = []
  const descriptors: number[] = []
  const running = load.do('soak', {
    port: server.port,
    connections: SOAK_CONNECTIONS,
    rate,
    duration: DURATION,
    faults: 0.01,
    seed: SEED,
  })
  for (const start = performance.now(); performance.now() - start < DURATION; await sleep(INTERVAL)) {
    resident.push(meter.residentBytes)
    descriptors.push(meter.descriptors)
  }
  const { requests, unanswered, lost, faults, hung } = await running
  await recordBaseline(fixture, before, figures)
  const perSecond = (requests * 1000) / DURATION
  figures.note(
    'requests a second, of half the capacity',
    `${count(Math.round(perSecond))} of ${count(Math.round(rate))}`,
  )
  figures.exactly(`hung, of ${count(faults)} faulty connections`, hung, 0)
  figures.exactly('good connections lost', lost, 0)
  figures.exactly('requests on good connections not answered', unanswered, 0)
  const [second, last] = [mean(minute(resident, 2)), mean(minute(resident, 3))]
  figures.atMost('RSS of the last minute to that of the second', last / second, 1.05, ratio)
  figures.note('RSS of the three minutes', [1, 2, 3].map((n) => mebibytes(mean(minute(resident, n)))).join(', '))
  const growth = mean(minute(descriptors, 3)) / mean(minute(descriptors, 2))
  figures.atMost('descriptors of the last minute to those of the second', growth, 1.05, ratio)
  await teardown(fixture, figures)
})

/** The samples of the first, second or third minute. */
function minute(samples: readonly number[], which: number): readonly number[] {
  const third = samples.length / 3
  return samples.slice(Math.floor(third * (which - 1)), Math.floor(third * which))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
