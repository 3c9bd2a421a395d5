import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { seconds } from './fixture/figures.ts'
import { type Fixture, fixtureOf, startFixture, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startGuardedServer, TOKEN } from './fixture/special-servers.ts'

const DRIPPERS = 2000
const LIMIT = 4

const PLACES = [
  {
    where: 'before Conn',
    reason: 'handshake-timeout',
    // A frame of 64 bytes, the beginning of a Conn.
    sends: '0000004001',
    fixture: () => fixtureOf(startGuardedServer(['--handshake-timeout', `${LIMIT}s`]), { credentials: TOKEN }),
  },
  {
    where: 'inside a frame',
    reason: 'frame-timeout',
    sends: '0000004002',
    fixture: () => startFixture(['--frame-timeout', `${LIMIT}s`]),
  },
] as const

for (const { where, reason, sends, fixture: start } of PLACES) {
  scenario(4, `2,000 that drip one byte a second, ${where}`, async (figures) => {
    const fixture: Fixture = await start()
    const { server } = fixture
    const clients = startAttacker<typeof IdleClients>('idle-clients')
    await clients.do('connectAll', { port: server.port, connections: DRIPPERS, sends })
    const { lifetimes } = await clients.do('dripUntilEnded', 15_000)
    figures.exactly('closed', lifetimes.length, DRIPPERS)
    figures.near('after', lifetimes, LIMIT, 1, seconds)
    await clients.do('disconnectAll')
    figures.exactly(`as ${reason}`, (await server.scrape()).closed[reason] ?? 0, DRIPPERS)
    await teardown(fixture, figures)
  })
}
