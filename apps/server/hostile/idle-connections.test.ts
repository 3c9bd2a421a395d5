import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '@demo/testkit/certificates'
import type * as Crowd from './attacks/crowd.ts'
import type { ClientTls } from './attacks/dial.ts'
import { startAttacker } from './stage/attacker.ts'
import { type Figures, kibibytes, percent } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { startTlsServer } from './stage/special-servers.ts'
import { type Stage, setStage, stageOf, strikeStage, untilConnected } from './stage/stage.ts'

const CONNECTIONS = 8000
const KIBIBYTE = 1024

row(1, '8,000 idle connections', async (figures) => {
  await measureIdle(await setStage(), figures, 8 * KIBIBYTE)
})

row(1, '8,000 idle connections with TLS', async (figures) => {
  const authority = await createAuthority('authority')
  const tls = { ca: authority.cert }
  await measureIdle(await stageOf(startTlsServer(authority), { tls }), figures, 64 * KIBIBYTE, tls)
})

async function measureIdle(stage: Stage, figures: Figures, limit: number, tls?: ClientTls): Promise<void> {
  const { server, meter } = stage
  const { port } = server
  const crowd = startAttacker<typeof Crowd>('crowd')
  // Handshakes cost the server a millisecond each: it is not to be swamped with them, that is not what this is about.
  const secure = tls === undefined ? {} : { tls, atOnce: 20 }

  // A first round and its end: what the process needs once and for all is not what a connection costs.
  await crowd.do('come', { port, connections: 500, ...secure })
  await untilConnected(stage, 501)
  await crowd.do('leave')
  await untilConnected(stage, 1)
  await sleep(1000)

  const before = meter.residentBytes
  await crowd.do('come', { port, connections: CONNECTIONS, ...secure })
  await untilConnected(stage, CONNECTIONS + 1)
  await sleep(1000)
  const cpu = await meter.cpuShare(sleep(3000))
  const each = (meter.residentBytes - before) / CONNECTIONS

  const { ended, refused } = await crowd.do('state')
  figures.exactly('dropped', ended + refused, 0)
  figures.exactly('each answered afterwards', await crowd.do('submitOnEach'), CONNECTIONS)
  figures.atMost('memory of each', each, limit, kibibytes)
  figures.atMost('processor while idle', cpu, 0.05, percent)
  await strikeStage(stage, figures)
}
