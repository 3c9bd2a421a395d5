import { countByWorker, startWorkers } from '../test/cluster-server.ts'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { count, ratio } from './fixture/figures.ts'
import { stopServer } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const CONNECTIONS = 1000

for (const workers of [2, 4]) {
  scenario(
    21,
    `${count(CONNECTIONS)} connections over ${workers} workers, one after the other and all at once`,
    async (figures) => {
      const server = await startWorkers(workers)
      const clients = startAttacker<typeof IdleClients>('idle-clients')
      let before = 0
      for (const atOnce of [1, CONNECTIONS]) {
        await clients.do('connectAll', { port: server.port, connections: CONNECTIONS, atOnce, from: '127.0.0.1' })
        const opened = await server.untilLogged('connection opened', before + CONNECTIONS)
        const counts = Object.values(countByWorker(opened.slice(before)))
        before += CONNECTIONS
        figures.note(`taken by each, ${count(atOnce)} at once`, counts.join(', '))
        figures.atMost('most / fewest', Math.max(...counts) / Math.min(...counts), 1.2, ratio)
        await clients.do('disconnectAll')
        await server.untilScraped('all to be gone', (metrics) => metrics.value('client_connected') === 0)
      }
      await stopServer(server, figures)
    },
  )
}
