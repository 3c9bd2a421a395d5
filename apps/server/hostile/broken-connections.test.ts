import { manySubmits, submit } from '@demo/testkit/wire'
import type * as HalfClosers from './attacks/half-closers.ts'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { recordBaseline, startFixture, teardown, untilConnected } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CONNECTIONS = 500

/** A request, and the first half of another. */
const MID_FRAME = submit(1) + submit(2).slice(0, 14)

scenario(9, '500 killed with SIGKILL in the middle of a frame', async (figures) => {
  const fixture = await startFixture()
  const { server, meter } = fixture
  const before = meter.descriptors
  const groups = Array.from({ length: 5 }, () => startAttacker<typeof IdleClients>('idle-clients'))
  const connections = CONNECTIONS / groups.length
  await Promise.all(
    groups.map((clients) => clients.do('connectAll', { port: server.port, connections, sends: MID_FRAME })),
  )
  await server.untilScraped('all to be connected', (all) => all.value('client_connected') === CONNECTIONS + 1)
  for (const clients of groups) clients.kill()
  await recordBaseline(fixture, before, figures)
  const { closed } = await server.scrape()
  const ends = (closed['frame-error'] ?? 0) + (closed['peer-reset'] ?? 0)
  figures.exactly('closed as frame-error or peer-reset', ends, CONNECTIONS)
  await teardown(fixture, figures)
})

scenario(9, '500 that break their connection with a RST in the middle of a frame', async (figures) => {
  const fixture = await startFixture()
  const { server, meter } = fixture
  const before = meter.descriptors
  const clients = startAttacker<typeof IdleClients>('idle-clients')
  await clients.do('connectAll', { port: server.port, connections: CONNECTIONS, sends: MID_FRAME })
  await untilConnected(fixture, CONNECTIONS + 1)
  await clients.do('reset')
  await recordBaseline(fixture, before, figures)
  figures.exactly('closed as peer-reset', (await server.scrape()).closed['peer-reset'] ?? 0, CONNECTIONS)
  await teardown(fixture, figures)
})

scenario(9, '500 that end their side with 2,000 requests unanswered each', async (figures) => {
  const fixture = await startFixture()
  const { server, meter } = fixture
  const before = meter.descriptors
  const closers = startAttacker<typeof HalfClosers>('half-closers')
  const requests = manySubmits(1, REQUESTS)
  const { complete, incomplete } = await closers.do('submitAndEnd', server.port, CONNECTIONS, requests)
  figures.exactly('got every ack, in order, and a FIN', complete, CONNECTIONS)
  if (incomplete.length > 0) figures.note('the first of the others', incomplete[0] ?? '')
  await recordBaseline(fixture, before, figures)
  figures.exactly('closed as peer-closed', (await server.scrape()).closed['peer-closed'] ?? 0, CONNECTIONS)
  await teardown(fixture, figures)
})

const REQUESTS = 2000
