import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoServer } from '../test/demo-server.ts'
import type * as WorkerClients from './attacks/worker-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { count, type Figures, milliseconds, seconds } from './fixture/figures.ts'
import { stopServer } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startHandlerServer } from './fixture/special-servers.ts'

const WORKERS = 2
const KILLS = 10
const CLIENTS = 20

/** How many clients connect while a worker is missing. */
const NEWCOMERS = 2

/** The pause before the next kill, in milliseconds. */
const QUIET = 250

const POLL_INTERVAL = 20

scenario(14, 'kill −9 one of two workers, ten times', async (figures) => {
  const server = await startHandlerServer('addressed', ['--workers', `${WORKERS}`, '--log-level', 'debug'])
  const clients = startAttacker<typeof WorkerClients>('worker-clients')
  const watch = new Watch(server)
  const rounds: Round[] = []
  for (let kills = 1; kills <= KILLS; kills++) {
    const pids = processes(server)
    const had = rounds.at(-1)?.others ?? 0
    await clients.do('connectAll', server.port, CLIENTS - had, pids)
    await sleep(QUIET)

    const [victim = 0, survivor = 0] = kills % 2 === 0 ? pids : pids.toReversed()
    const killedAt = performance.now()
    process.kill(victim, 'SIGKILL')
    await server.untilLogged('worker died', kills)
    const [served = 0] = await clients.do('connectAll', server.port, NEWCOMERS, [survivor])
    await watch.until(() => watch.workers === WORKERS && processes(server).every((pid) => pid !== victim))
    const replaced = (performance.now() - killedAt) / 1000
    rounds.push({ ...(await clients.do('aftermath', victim)), served, replaced })
  }
  note(figures, rounds)
  figures.exactly('counters that went back', watch.setbacks, 0)
  figures.exactly('restarts counted', watch.restarts, KILLS)
  await clients.do('disconnectAll')
  // One line for each worker that died.
  await stopServer(server, figures, KILLS)
})

/** The results of one kill. */
interface Round extends WorkerClients.Aftermath {
  /** New clients that the remaining worker served. */
  readonly served: number
  /** From the kill until all workers listen, in seconds. */
  readonly replaced: number
}

function note(figures: Figures, rounds: readonly Round[]): void {
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0)
  const ofVictim = sum((round) => round.ofVictim)
  figures.exactly(
    'kills that cut clients off, and left others',
    rounds.filter((r) => r.cut > 0 && r.others > 0).length,
    KILLS,
  )
  figures.exactly(
    `cut off, of the ${ofVictim} of a worker that was killed`,
    sum(({ cut }) => cut),
    ofVictim,
  )
  figures.exactly(
    `connections lost of the other worker’s ${sum(({ others }) => others)}`,
    sum(({ lost }) => lost),
    0,
  )
  figures.exactly(
    `requests failed of their ${count(sum(({ requests }) => requests))}`,
    sum(({ failed }) => failed),
    0,
  )
  figures.note('the slowest of them', milliseconds(Math.max(...rounds.map(({ slowest }) => slowest))))
  figures.exactly(
    'served of those that connected while a worker was missing',
    sum(({ served }) => served),
    KILLS * NEWCOMERS,
  )
  figures.atMost('replaced after, at most', Math.max(...rounds.map(({ replaced }) => replaced)), 2, seconds)
}

/** The current processes of the workers, in the order of their numbers. */
function processes(server: DemoServer): number[] {
  const pids: number[] = []
  for (const { worker, pid } of server.logged('worker listening')) pids[Number(worker) - 1] = Number(pid)
  return pids
}

/** Watches the metrics of all workers. */
class Watch {
  workers = 0
  restarts = 0
  /** How often a counter was smaller than before. */
  setbacks = 0
  #requests = 0
  readonly #server: DemoServer

  constructor(server: DemoServer) {
    this.#server = server
  }

  async until(isTrue: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE
    do {
      await sleep(POLL_INTERVAL)
      const metrics = await this.#server.scrape()
      const requests = metrics.value('req_recv_total')
      if (requests < this.#requests) this.setbacks += 1
      this.#requests = requests
      this.workers = metrics.value('workers')
      this.restarts = metrics.value('worker_restarts_total')
    } while (!isTrue() && performance.now() < deadline)
  }
}

const PATIENCE = 10_000
