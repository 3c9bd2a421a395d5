import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { row } from './stage/row.ts'
import { setStage, strikeStage, untilConnected } from './stage/stage.ts'

const CROWD = 500
const LIMIT = 50

/** Neither is the address of the healthy client. */
const CROWDED = '127.0.0.2'
const ANOTHER = '127.0.0.3'

row(2, '500 connections from one address that may have 50', async (figures) => {
  const stage = await setStage(['--max-connections-per-ip', `${LIMIT}`])
  const { server } = stage
  const [crowd, others] = [startAttacker<typeof Crowd>('crowd'), startAttacker<typeof Crowd>('crowd')]
  const { port } = server
  const tooMany = async () => (await server.scrape()).closed['too-many-connections'] ?? 0

  await crowd.do('come', { port, connections: CROWD, from: CROWDED })
  await untilConnected(stage, LIMIT + 1)
  figures.exactly('served of those from one address', await crowd.do('submitOnEach'), LIMIT)
  figures.exactly('closed as too-many-connections', await tooMany(), CROWD - LIMIT)
  const told = server.logged('connection closed').filter(({ remoteAddress }) => remoteAddress === CROWDED)
  const why = `${LIMIT} connections of ${CROWDED} are open`
  figures.exactly('lines of the log that say why', told.filter(({ error }) => error === why).length, CROWD - LIMIT)

  await others.do('come', { port, connections: LIMIT, from: ANOTHER })
  figures.exactly('served of 50 from another address', await others.do('submitOnEach'), LIMIT)

  await crowd.do('leave')
  await untilConnected(stage, LIMIT + 1)
  await crowd.do('come', { port, connections: LIMIT, from: CROWDED })
  figures.exactly('served of 50 that come when those have left', await crowd.do('submitOnEach'), LIMIT)
  figures.exactly('closed as too-many-connections in the end', await tooMany(), CROWD - LIMIT)
  await strikeStage(stage, figures)
})
