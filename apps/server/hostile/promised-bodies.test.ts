import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { mebibytes } from './fixture/figures.ts'
import { startFixture, teardown, untilConnected } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const HEADERS = 5000
const ONE_MEBIBYTE = '00100000'
const MEBIBYTE = 1024 * 1024

scenario(5, '5,000 headers that promise 1 MiB, and no body', async (figures) => {
  const fixture = await startFixture()
  const { server, meter } = fixture
  const clients = startAttacker<typeof IdleClients>('idle-clients')
  await clients.do('connectAll', { port: server.port, connections: 200 })
  await clients.do('disconnectAll')
  await untilConnected(fixture, 1)

  meter.resetPeak()
  const before = meter.residentBytes
  const receivedBefore = (await server.scrape()).value('received_bytes_total')
  await clients.do('connectAll', { port: server.port, connections: HEADERS, sends: ONE_MEBIBYTE })
  await server.untilScraped(
    'all headers to be received',
    (metrics) => metrics.value('received_bytes_total') >= receivedBefore + HEADERS * 4,
  )
  await untilConnected(fixture, HEADERS + 1)
  figures.atMost('peak of memory, above before', meter.peakBytes - before, 50 * MEBIBYTE, mebibytes)
  await clients.do('disconnectAll')
  await untilConnected(fixture, 1)
  await teardown(fixture, figures)
})
