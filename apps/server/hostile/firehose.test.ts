import type * as FullLoad from './attacks/full-load.ts'
import type * as PacedClients from './attacks/paced-clients.ts'
import { startAttacker } from './stage/attacker.ts'
import { count, milliseconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { setStage, strikeStage } from './stage/stage.ts'

const PACED = 100
const INTERVAL = 20
const DURATION = 5000

/** Requests on their way on the one connection. */
const FIREHOSE_WINDOW = 100_000

row(12, 'one firehose and 100 paced clients', async (figures) => {
  const stage = await setStage()
  const { server } = stage
  const firehose = startAttacker<typeof FullLoad>('full-load')
  const paced = startAttacker<typeof PacedClients>('paced-clients')
  const alone = await paced.do('pace', server.port, PACED, INTERVAL, 1000)

  await firehose.do('load', server.port, 1, FIREHOSE_WINDOW, 1_000_000)
  const [before, start] = [await firehose.do('answered'), performance.now()]
  const { requests, unanswered, p50, p99, max } = await paced.do('pace', server.port, PACED, INTERVAL, DURATION)
  const perSecond = ((await firehose.do('answered')) - before) / ((performance.now() - start) / 1000)
  await firehose.do('stop')

  figures.tell('firehose, acks a second', count(Math.round(perSecond)))
  figures.exactly(`paced, unanswered of ${count(requests)}`, unanswered, 0)
  figures.atMost('paced, p99', p99, 25, milliseconds)
  figures.tell('paced, p50 and max', `${milliseconds(p50)}, ${milliseconds(max)}`)
  figures.tell('paced, p99 without the firehose', milliseconds(alone.p99))
  await strikeStage(stage, figures)
})
