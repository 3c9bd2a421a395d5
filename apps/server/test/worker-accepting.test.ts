import { readdirSync } from 'node:fs'
import type { Peer } from '@demo/testkit/peer'
import { PROGRAM_PATIENCE } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countByWorker, killWorker, oneOfEach, pidsOf, startWorkers } from './cluster-server.ts'
import type { DemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'

/** The native engine only where it is built. */
const ENGINES = process.env['NATIVE_ENGINE'] !== 'no' ? ['native', 'node'] : ['node']

const MANY = 200

/** The highest allowed ratio between the connections of two workers. */
const UNEVEN = 1.2

describe.each(ENGINES)('with the engine %s', (engine) => {
  const engineFlags = ['--engine', engine]

  describe('workers', () => {
    it.each([2, 4])('have nearly the same number of connections, however those come: %d', async (workers) => {
      const server = await startWorkers(workers, engineFlags)
      await oneAfterTheOther(server)
      expect(await unevenness(server, workers)).toBeLessThanOrEqual(UNEVEN)
      await Promise.all(Array.from({ length: MANY }, () => served(server)))
      expect(await unevenness(server, workers, 2 * MANY)).toBeLessThanOrEqual(UNEVEN)
    })
  })

  describe('a worker that is stuck', () => {
    it('is left out: new connections are served by the other', async () => {
      const server = await startWorkers(2, engineFlags)
      const [, second] = await oneOfEach(server)
      second.end()
      await second.untilClosed()
      stopWorker(server, 2)
      const peers = await Promise.all(Array.from({ length: 20 }, () => served(server)))
      expect(peers.filter(({ closed }) => closed)).toEqual([])
    })
  })

  describe('connections that come while workers are killed', () => {
    it('are served or closed, and none hangs; the first process keeps no descriptor of them', async () => {
      const server = await startWorkers(2, engineFlags)
      const before = descriptors(server)
      let [answered, closed] = [0, 0]
      for (let kills = 1; kills <= 4; kills++) {
        const peers = Array.from({ length: 20 }, async () => {
          const peer = await server.connect().catch(() => undefined)
          peer?.send(submit(1))
          await waitFor(
            () => peer === undefined || peer.receivedLength > 0 || peer.closed,
            () => 'for an answer or the end',
          )
          if (peer !== undefined && peer.receivedLength > 0) answered += 1
          else closed += 1
          peer?.socket.destroy()
        })
        killWorker(server, 1 + (kills % 2))
        await Promise.all(peers)
        await waitFor(
          () => server.logged('worker listening').length === 2 + kills,
          () => 'for another worker',
          PROGRAM_PATIENCE,
        )
      }
      expect(answered + closed).toBe(80)
      expect(answered).toBeGreaterThan(closed)
      expect(descriptors(server)).toBe(before)
    })

    it.each(['port', 'path'])(
      'wait when all are dead, and are served by those that take their place: %s',
      async (how) => {
        const flags = how === 'path' ? [...engineFlags, '--listen-path', new Folder().at('socket')] : engineFlags
        const server = await startWorkers(2, flags)
        const old = [...pidsOf(server, 1), ...pidsOf(server, 2)]
        for (const worker of [1, 2]) killWorker(server, worker)
        const peer = await server.connect()
        peer.send(submit(1))
        expect(await peer.receive(14)).toBe(submitAck(1))
        await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
        expect([...pidsOf(server, 1), ...pidsOf(server, 2)].filter((pid) => !old.includes(pid))).toHaveLength(2)
        const late = await server.connect()
        late.send(submit(2))
        expect(await late.receive(14)).toBe(submitAck(2))
      },
    )
  })
})

describe('/healthz', () => {
  it('reports that the event loop of each worker is stuck, until one runs again', async () => {
    const server = await startWorkers(2)
    for (const worker of [1, 2]) stopWorker(server, worker)
    await untilHealth(server, { status: 503, text: 'not alive: no worker has sent a heartbeat for 10 s\n' })
    process.kill(Number(pidsOf(server, 1)[0]), 'SIGCONT')
    await untilHealth(server, { status: 200, text: 'ok\n' })
  }, 30_000)
})

async function oneAfterTheOther(server: DemoServer): Promise<void> {
  for (let i = 0; i < MANY; i++) await served(server)
}

/** A connection with one answered request. */
async function served(server: DemoServer): Promise<Peer> {
  const peer = await server.connect()
  peer.send(submit(1))
  expect(await peer.receive(14)).toBe(submitAck(1))
  return peer
}

/** The ratio of the most to the fewest connections of a worker. */
async function unevenness(server: DemoServer, workers: number, count = MANY): Promise<number> {
  const counts = Object.values(countByWorker(await server.untilLogged('connection opened', count)))
  expect(counts).toHaveLength(workers)
  return Math.max(...counts) / Math.min(...counts)
}

/** Stops a worker with SIGSTOP, until the end of the test. */
function stopWorker(server: DemoServer, worker: number): void {
  const pid = Number(pidsOf(server, worker).at(-1))
  onTestFinished(() => {
    process.kill(pid, 'SIGCONT')
  })
  process.kill(pid, 'SIGSTOP')
}

/** How many descriptors of the first process may be connections. */
function descriptors({ program }: DemoServer): number {
  return process.platform === 'linux' ? readdirSync(`/proc/${program.pid}/fd`).length : 0
}

async function untilHealth(server: DemoServer, wanted: { status: number; text: string }): Promise<void> {
  const deadline = performance.now() + PROGRAM_PATIENCE + 10_000
  for (;;) {
    const health = await server.probe('/healthz')
    if (health.text === wanted.text || performance.now() > deadline) {
      expect(health).toEqual(wanted)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
