import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { startFixture, teardown, untilConnected } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CLIENTS = 500
const LIMIT = 50

/** Both differ from the address of the healthy client. */
const LIMITED = '127.0.0.2'
const ANOTHER = '127.0.0.3'

scenario(2, '500 connections from one address that may have 50', async (figures) => {
  const fixture = await startFixture(['--max-connections-per-ip', `${LIMIT}`])
  const { server } = fixture
  const [clients, others] = [
    startAttacker<typeof IdleClients>('idle-clients'),
    startAttacker<typeof IdleClients>('idle-clients'),
  ]
  const { port } = server
  const tooMany = async () => (await server.scrape()).closed['too-many-connections'] ?? 0

  await clients.do('connectAll', { port, connections: CLIENTS, from: LIMITED })
  await untilConnected(fixture, LIMIT + 1)
  figures.exactly('served of those from one address', await clients.do('submitOnEach'), LIMIT)
  figures.exactly('closed as too-many-connections', await tooMany(), CLIENTS - LIMIT)
  const lines = server.logged('connection closed').filter(({ remoteAddress }) => remoteAddress === LIMITED)
  const why = `${LIMIT} connections of ${LIMITED} are open`
  figures.exactly(
    'lines of the log with the reason',
    lines.filter(({ error }) => error === why).length,
    CLIENTS - LIMIT,
  )

  await others.do('connectAll', { port, connections: LIMIT, from: ANOTHER })
  figures.exactly('served of 50 from another address', await others.do('submitOnEach'), LIMIT)

  await clients.do('disconnectAll')
  await untilConnected(fixture, LIMIT + 1)
  await clients.do('connectAll', { port, connections: LIMIT, from: LIMITED })
  figures.exactly('served of 50 after those have disconnected', await clients.do('submitOnEach'), LIMIT)
  figures.exactly('closed as too-many-connections in the end', await tooMany(), CLIENTS - LIMIT)
  await teardown(fixture, figures)
})
