import type * as ScriptedOutcomes from './attacks/scripted-outcomes.ts'
import { startAttacker } from './fixture/attacker.ts'
import { fixtureOf, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startHandlerServer } from './fixture/special-servers.ts'

const SEED = Number(process.env['HOSTILE_SEED'])
const CONNECTIONS = 10
const SUBMITS = 10_000
const PATIENCE = 15_000

scenario(11, '10,000 submits of which a tenth throw, reject, or never settle', async (figures) => {
  const fixture = await fixtureOf(startHandlerServer('failing', ['--handler-timeout', '1s']))
  const { server } = fixture
  const clients = startAttacker<typeof ScriptedOutcomes>('scripted-outcomes')
  const result = await clients.do('submitScripted', server.port, CONNECTIONS, SUBMITS / CONNECTIONS, SEED, PATIENCE)
  figures.exactly('answered exactly once', result.answeredOnce, SUBMITS)
  figures.exactly('answered twice', result.answeredTwice, 0)
  figures.exactly('answered with another result than scripted', result.unexpected, 0)
  figures.note('to be answered with failure', result.toFail.toLocaleString('en-US'))
  // Each failure is logged once.
  await teardown(fixture, figures, result.toFail)
})
