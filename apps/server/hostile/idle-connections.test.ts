import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '@demo/testkit/certificates'
import type { ClientTls } from './attacks/dial.ts'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { type Figures, kibibytes, percent } from './fixture/figures.ts'
import { type Fixture, fixtureOf, startFixture, teardown, untilConnected } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startTlsServer } from './fixture/special-servers.ts'

const CONNECTIONS = 8000
const KIBIBYTE = 1024

scenario(1, '8,000 idle connections', async (figures) => {
  await measureIdle(await startFixture(), figures, 8 * KIBIBYTE)
})

// The native engine has no TLS.
if (process.env['HOSTILE_ENGINE'] === 'node') {
  scenario(1, '8,000 idle connections with TLS', async (figures) => {
    const authority = await createAuthority('authority')
    const tls = { ca: authority.cert }
    await measureIdle(await fixtureOf(startTlsServer(authority), { tls }), figures, 64 * KIBIBYTE, tls)
  })
}

async function measureIdle(fixture: Fixture, figures: Figures, limit: number, tls?: ClientTls): Promise<void> {
  const { server, meter } = fixture
  const { port } = server
  const clients = startAttacker<typeof IdleClients>('idle-clients')
  // Each handshake takes a millisecond of processor time. Few at a time, because this scenario does not measure them.
  const secure = tls === undefined ? {} : { tls, atOnce: 20 }

  // A first round of connections: memory that the process needs only once is not counted.
  await clients.do('connectAll', { port, connections: 500, ...secure })
  await untilConnected(fixture, 501)
  await clients.do('disconnectAll')
  await untilConnected(fixture, 1)
  await sleep(1000)

  const before = meter.residentBytes
  await clients.do('connectAll', { port, connections: CONNECTIONS, ...secure })
  await untilConnected(fixture, CONNECTIONS + 1)
  await sleep(1000)
  const cpu = await meter.cpuShare(sleep(3000))
  const each = (meter.residentBytes - before) / CONNECTIONS

  const { ended, refused } = await clients.do('state')
  figures.exactly('dropped', ended + refused, 0)
  figures.exactly('each answered afterwards', await clients.do('submitOnEach'), CONNECTIONS)
  figures.atMost('memory of each', each, limit, kibibytes)
  figures.atMost('processor while idle', cpu, 0.05, percent)
  await teardown(fixture, figures)
}
