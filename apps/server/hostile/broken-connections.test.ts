import { manySubmits, submit } from '@demo/testkit/wire'
import type * as Crowd from './attacks/crowd.ts'
import type * as HalfClosers from './attacks/half-closers.ts'
import { startAttacker } from './stage/attacker.ts'
import { type Figures, seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { type Stage, setStage, strikeStage, timeUntil, untilConnected } from './stage/stage.ts'

const CONNECTIONS = 500

/** The connection of the scrape that asks. */
const SCRAPE = 2

/** A request, and the first half of another. */
const MID_FRAME = submit(1) + submit(2).slice(0, 14)

row(9, '500 killed with SIGKILL in the middle of a frame', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const before = meter.descriptors
  const crowds = Array.from({ length: 5 }, () => startAttacker<typeof Crowd>('crowd'))
  const connections = CONNECTIONS / crowds.length
  await Promise.all(crowds.map((crowd) => crowd.do('come', { port: server.port, connections, sends: MID_FRAME })))
  await server.untilScraped('all to be connected', (all) => all.value('client_connected') === CONNECTIONS + 1)
  for (const crowd of crowds) crowd.kill()
  await noteBaseline(stage, before, figures)
  const { closed } = await server.scrape()
  const ends = (closed['frame-error'] ?? 0) + (closed['peer-reset'] ?? 0)
  figures.exactly('closed as frame-error or peer-reset', ends, CONNECTIONS)
  await strikeStage(stage, figures)
})

row(9, '500 that break their connection with a RST in the middle of a frame', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const before = meter.descriptors
  const crowd = startAttacker<typeof Crowd>('crowd')
  await crowd.do('come', { port: server.port, connections: CONNECTIONS, sends: MID_FRAME })
  await untilConnected(stage, CONNECTIONS + 1)
  await crowd.do('reset')
  await noteBaseline(stage, before, figures)
  figures.exactly('closed as peer-reset', (await server.scrape()).closed['peer-reset'] ?? 0, CONNECTIONS)
  await strikeStage(stage, figures)
})

row(9, '500 that end their side with 2,000 requests unanswered each', async (figures) => {
  const stage = await setStage()
  const { server, meter } = stage
  const before = meter.descriptors
  const closers = startAttacker<typeof HalfClosers>('half-closers')
  const requests = manySubmits(1, REQUESTS)
  const { complete, incomplete } = await closers.do('submitAndEnd', server.port, CONNECTIONS, requests)
  figures.exactly('got every ack, in order, and a FIN', complete, CONNECTIONS)
  if (incomplete.length > 0) figures.tell('the first that did not', incomplete[0] ?? '')
  await noteBaseline(stage, before, figures)
  figures.exactly('closed as peer-closed', (await server.scrape()).closed['peer-closed'] ?? 0, CONNECTIONS)
  await strikeStage(stage, figures)
})

const REQUESTS = 2000

async function noteBaseline({ server, meter }: Stage, before: number, figures: Figures): Promise<void> {
  const back = await timeUntil(
    async () => meter.descriptors <= before + SCRAPE && (await server.scrape()).value('client_connected') === 1,
  )
  figures.atMost('descriptors and sessions back to baseline after', back, 2, seconds)
}
