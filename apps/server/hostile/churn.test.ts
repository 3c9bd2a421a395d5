import type * as Churn from './attacks/churn.ts'
import { startAttacker } from './fixture/attacker.ts'
import { recordBaseline, startFixture, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const TIMES = 20_000

scenario(2, '20,000 times connect, submit, ack, close', async (figures) => {
  const fixture = await startFixture()
  const { server, meter } = fixture
  const churners = startAttacker<typeof Churn>('churn')
  const before = meter.descriptors

  const start = performance.now()
  const { succeeded, failures } = await churners.do('churn', server.port, TIMES)
  const perSecond = Math.round((TIMES / (performance.now() - start)) * 1000)

  await recordBaseline(fixture, before, figures)
  figures.exactly('failures', TIMES - succeeded, 0)
  if (failures.length > 0) figures.note('the first of them', failures[0] ?? '')
  figures.note('connections a second', perSecond.toLocaleString('en-US'))
  figures.exactly('closed as peer-closed', (await server.scrape()).closed['peer-closed'] ?? 0, TIMES)
  await teardown(fixture, figures)
})
