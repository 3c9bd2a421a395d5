import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoServer } from '../test/demo-server.ts'
import type * as WorkerClients from './attacks/worker-clients.ts'
import { startAttacker } from './stage/attacker.ts'
import { count, type Figures, milliseconds, seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { startHandlerServer } from './stage/special-servers.ts'
import { strikeServer } from './stage/stage.ts'

const WORKERS = 2
const KILLS = 10
const CLIENTS = 20

/** So many come while a worker is missing. */
const NEWCOMERS = 2

/** How long nothing happens before the next is killed, in milliseconds. */
const QUIET = 250

const POLL_INTERVAL = 20

row(14, 'kill −9 one of two workers, ten times', async (figures) => {
  const server = await startHandlerServer('addressed', ['--workers', `${WORKERS}`, '--log-level', 'debug'])
  const clients = startAttacker<typeof WorkerClients>('worker-clients')
  const watch = new Watch(server)
  const rounds: Round[] = []
  for (let kills = 1; kills <= KILLS; kills++) {
    const pids = processes(server)
    const had = rounds.at(-1)?.others ?? 0
    await clients.do('come', server.port, CLIENTS - had, pids)
    await sleep(QUIET)

    const [victim = 0, survivor = 0] = kills % 2 === 0 ? pids : pids.toReversed()
    const killedAt = performance.now()
    process.kill(victim, 'SIGKILL')
    await server.untilLogged('worker died', kills)
    const [welcomed = 0] = await clients.do('come', server.port, NEWCOMERS, [survivor])
    await watch.until(() => watch.workers === WORKERS && processes(server).every((pid) => pid !== victim))
    const replaced = (performance.now() - killedAt) / 1000
    rounds.push({ ...(await clients.do('aftermath', victim)), welcomed, replaced })
  }
  note(figures, rounds)
  figures.exactly('counters that went back', watch.setbacks, 0)
  figures.exactly('restarts counted', watch.restarts, KILLS)
  await clients.do('leave')
  // One line for each worker that died.
  await strikeServer(server, figures, KILLS)
})

/** What was seen of one kill. */
interface Round extends WorkerClients.Aftermath {
  /** Newcomers that the worker which is left served. */
  readonly welcomed: number
  /** From the kill until all workers listen, in seconds. */
  readonly replaced: number
}

function note(figures: Figures, rounds: readonly Round[]): void {
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0)
  const bereaved = sum((round) => round.bereaved)
  figures.exactly(
    'kills that cut clients off, and left others',
    rounds.filter((r) => r.cut > 0 && r.others > 0).length,
    KILLS,
  )
  figures.exactly(
    `cut off, of the ${bereaved} of a worker that was killed`,
    sum(({ cut }) => cut),
    bereaved,
  )
  figures.exactly(
    `connections lost of the other’s ${sum(({ others }) => others)}`,
    sum(({ lost }) => lost),
    0,
  )
  figures.exactly(
    `requests failed of their ${count(sum(({ requests }) => requests))}`,
    sum(({ failed }) => failed),
    0,
  )
  figures.tell('the slowest of them', milliseconds(Math.max(...rounds.map(({ slowest }) => slowest))))
  figures.exactly(
    'served of those that came meanwhile',
    sum(({ welcomed }) => welcomed),
    KILLS * NEWCOMERS,
  )
  figures.atMost('replaced after, at most', Math.max(...rounds.map(({ replaced }) => replaced)), 2, seconds)
}

/** The processes of the workers as they are now, in the order of their numbers. */
function processes(server: DemoServer): number[] {
  const pids: number[] = []
  for (const { worker, pid } of server.logged('worker listening')) pids[Number(worker) - 1] = Number(pid)
  return pids
}

/** Looks at the metrics of all workers. */
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
