import { countByWorker, startWorkers } from '../test/cluster-server.ts'
import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { count, ratio } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { strikeServer } from './stage/stage.ts'

const CONNECTIONS = 1000

for (const workers of [2, 4]) {
  row(
    21,
    `${count(CONNECTIONS)} connections over ${workers} workers, one after the other and all at once`,
    async (figures) => {
      const server = await startWorkers(workers)
      const crowd = startAttacker<typeof Crowd>('crowd')
      let before = 0
      for (const atOnce of [1, CONNECTIONS]) {
        await crowd.do('come', { port: server.port, connections: CONNECTIONS, atOnce, from: '127.0.0.1' })
        const opened = await server.untilLogged('connection opened', before + CONNECTIONS)
        const counts = Object.values(countByWorker(opened.slice(before)))
        before += CONNECTIONS
        figures.tell(`taken by each, ${count(atOnce)} at once`, counts.join(', '))
        figures.atMost('most / fewest', Math.max(...counts) / Math.min(...counts), 1.2, ratio)
        await crowd.do('leave')
        await server.untilScraped('all to be gone', (metrics) => metrics.value('client_connected') === 0)
      }
      await strikeServer(server, figures)
    },
  )
}
