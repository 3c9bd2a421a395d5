import type * as Churn from './attacks/churn.ts'
import { startAttacker } from './stage/attacker.ts'
import { seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { setStage, strikeStage, timeUntil } from './stage/stage.ts'

const TIMES = 20_000

row(2, '20,000 times connect, submit, ack, close', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const churners = startAttacker<typeof Churn>('churn')
  const before = meter.descriptors

  const start = performance.now()
  const { succeeded, failures } = await churners.do('churn', server.port, TIMES)
  const perSecond = Math.round((TIMES / (performance.now() - start)) * 1000)

  const isBack = async () =>
    meter.descriptors <= before + SCRAPE && (await server.scrape()).value('client_connected') === 1
  const back = await timeUntil(isBack)

  figures.exactly('failures', TIMES - succeeded, 0)
  if (failures.length > 0) figures.tell('the first of them', failures[0] ?? '')
  figures.tell('connections a second', perSecond.toLocaleString('en-US'))
  figures.atMost('descriptors and sessions back to baseline after', back, 2, seconds)
  figures.exactly('closed as peer-closed', (await server.scrape()).closed['peer-closed'] ?? 0, TIMES)
  await strikeStage(stage, figures)
})

/** The connection of the scrape that asks is a descriptor too, and the one that it keeps alive. */
const SCRAPE = 2
