import { setTimeout as sleep } from 'node:timers/promises'
import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { kibibytes, percent } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { setStage, strikeStage, untilConnected } from './stage/stage.ts'

const CONNECTIONS = 8000

row(1, '8,000 idle connections', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const crowd = startAttacker<typeof Crowd>('crowd')

  // A first round and its end: what the process needs once and for all is not what a connection costs.
  await crowd.do('come', { port: server.port, connections: 500 })
  await untilConnected(stage, 501)
  await crowd.do('leave')
  await untilConnected(stage, 1)
  await sleep(1000)

  const before = meter.residentBytes
  await crowd.do('come', { port: server.port, connections: CONNECTIONS })
  await untilConnected(stage, CONNECTIONS + 1)
  await sleep(1000)
  const cpu = await meter.cpuShare(sleep(4000))
  const each = (meter.residentBytes - before) / CONNECTIONS

  const { ended, refused } = await crowd.do('state')
  figures.exactly('dropped', ended + refused, 0)
  figures.exactly('each answered afterwards', await crowd.do('submitOnEach'), CONNECTIONS)
  figures.atMost('memory of each', each, 8 * 1024, kibibytes)
  figures.atMost('processor while idle', cpu, 0.05, percent)
  await strikeStage(stage, figures)
})
