import type * as FullLoad from './attacks/full-load.ts'
import type * as PacedClients from './attacks/paced-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { count, milliseconds } from './fixture/figures.ts'
import { startFixture, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const PACED = 100
const INTERVAL = 20
const DURATION = 5000

/** Requests in flight on the one connection. */
const FIREHOSE_WINDOW = 100_000

scenario(12, 'one firehose and 100 paced clients', async (figures) => {
  const fixture = await startFixture()
  const { server } = fixture
  const firehose = startAttacker<typeof FullLoad>('full-load')
  const paced = startAttacker<typeof PacedClients>('paced-clients')
  const alone = await paced.do('pace', server.port, PACED, INTERVAL, 1000)

  await firehose.do('load', server.port, 1, FIREHOSE_WINDOW, 1_000_000)
  const [before, start] = [await firehose.do('answered'), performance.now()]
  const { requests, unanswered, p50, p99, max } = await paced.do('pace', server.port, PACED, INTERVAL, DURATION)
  const perSecond = ((await firehose.do('answered')) - before) / ((performance.now() - start) / 1000)
  await firehose.do('stop')

  figures.note('firehose, acks a second', count(Math.round(perSecond)))
  figures.exactly(`paced, unanswered of ${count(requests)}`, unanswered, 0)
  figures.atMost('paced, p99', p99, 25, milliseconds)
  figures.note('paced, p50 and max', `${milliseconds(p50)}, ${milliseconds(max)}`)
  figures.note('paced, p99 without the firehose', milliseconds(alone.p99))
  await teardown(fixture, figures)
})
