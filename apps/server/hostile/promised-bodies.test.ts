import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { mebibytes } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { setStage, strikeStage, untilConnected } from './stage/stage.ts'

const HEADERS = 5000
const ONE_MEBIBYTE = '00100000'
const MEBIBYTE = 1024 * 1024

row(5, '5,000 headers that promise 1 MiB, and no body', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const crowd = startAttacker<typeof Crowd>('crowd')
  await crowd.do('come', { port: server.port, connections: 200 })
  await crowd.do('leave')
  await untilConnected(stage, 1)

  meter.forgetPeak()
  const before = meter.residentBytes
  const receivedBefore = (await server.scrape()).value('received_bytes_total')
  await crowd.do('come', { port: server.port, connections: HEADERS, sends: ONE_MEBIBYTE })
  await server.untilScraped(
    'all headers to be received',
    (metrics) => metrics.value('received_bytes_total') >= receivedBefore + HEADERS * 4,
  )
  await untilConnected(stage, HEADERS + 1)
  figures.atMost('peak of memory, above before', meter.peakBytes - before, 50 * MEBIBYTE, mebibytes)
  await crowd.do('leave')
  await untilConnected(stage, 1)
  await strikeStage(stage, figures)
})
