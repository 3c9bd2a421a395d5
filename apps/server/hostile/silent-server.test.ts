import { startDemoServer } from '../test/demo-server.ts'
import type * as WaitingClients from './attacks/waiting-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { seconds } from './fixture/figures.ts'
import { stopServer } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CLIENTS = 50
const REQUESTS = 100
const LIMIT = 1

scenario(24, 'a server that is stopped, and accepts without answering: 50 clients of 100 requests', async (figures) => {
  const server = await startDemoServer()
  const clients = startAttacker<typeof WaitingClients>('waiting-clients')
  const answered = await clients.do('connectAll', server.port, CLIENTS, LIMIT * 1000)
  figures.exactly('answered before', answered, CLIENTS)

  server.program.signal('SIGSTOP')
  const outcome = await clients.do('submitToSilence', REQUESTS)
  server.program.signal('SIGCONT')
  figures.exactly('clients that noticed', outcome.ended, CLIENTS)
  figures.near('noticed after', outcome.endedAfter, LIMIT, 0.75, seconds)
  figures.exactly(`requests without an outcome, of ${outcome.requests}`, outcome.pending, 0)
  // All but one of each client: that one has a longer limit.
  figures.exactly('rejected by their own limit', outcome.timedOut, CLIENTS * (REQUESTS - 1))
  figures.exactly('rejected when their connection ended', outcome.silent, CLIENTS)
  figures.exactly('clients that accepted more requests', outcome.alive, 0)

  const newClients = startAttacker<typeof WaitingClients>('waiting-clients')
  figures.exactly('answered afterwards', await newClients.do('connectAll', server.port, CLIENTS, LIMIT * 1000), CLIENTS)
  await stopServer(server, figures)
})
