import { readdirSync } from 'node:fs'
import { submit } from '@demo/testkit/wire'
import { killWorker, pidsOf, startWorkers } from '../test/cluster-server.ts'
import type { DemoServer } from '../test/demo-server.ts'
import { stopServer, timeUntil } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'

const KILLS = 4
const PER_KILL = 25

scenario(21, `${PER_KILL} connects while one of two workers is killed, ${KILLS} times, or stopped`, async (figures) => {
  const server = await startWorkers(2)
  const before = descriptors(server)
  const sum = { answered: 0, closed: 0, hanging: 0 }
  for (let kills = 1; kills <= KILLS; kills++) {
    const uses = Array.from({ length: PER_KILL }, () => useOnce(server))
    killWorker(server, 1 + (kills % 2))
    for (const outcome of await Promise.all(uses)) sum[outcome] += 1
    await server.untilLogged('worker listening', 2 + kills)
  }
  figures.note('answered, closed', `${sum.answered}, ${sum.closed}`)
  figures.exactly('connections that hang', sum.hanging, 0)

  const stuck = Number(pidsOf(server, 1).at(-1))
  process.kill(stuck, 'SIGSTOP')
  const outcomes = await Promise.all(Array.from({ length: PER_KILL }, () => useOnce(server)))
  process.kill(stuck, 'SIGCONT')
  const unserved = outcomes.filter((outcome) => outcome !== 'answered').length
  figures.exactly('not answered while one is stopped', unserved, 0)
  await timeUntil(() => descriptors(server) === before)
  figures.exactly('descriptors leaked by the first process', descriptors(server) - before, 0)
  await stopServer(server, figures, KILLS)
})

async function useOnce(server: DemoServer): Promise<'answered' | 'closed' | 'hanging'> {
  const peer = await server.connect().catch(() => undefined)
  if (peer === undefined) return 'closed'
  peer.send(submit(1))
  const settled = await timeUntil(() => peer.receivedLength > 0 || peer.closed)
  peer.socket.destroy()
  if (peer.receivedLength > 0) return 'answered'
  return Number.isFinite(settled) ? 'closed' : 'hanging'
}

function descriptors({ program }: DemoServer): number {
  return readdirSync(`/proc/${program.pid}/fd`).length
}
