import { type DemoServer, startDemoServer } from '../test/demo-server.ts'
import type * as FullLoad from './attacks/full-load.ts'
import type { LoadOutcome } from './attacks/load-connection.ts'
import { type Attacker, startAttacker } from './fixture/attacker.ts'
import { count, seconds } from './fixture/figures.ts'
import { scenario } from './fixture/scenario.ts'
import { startHandlerServer } from './fixture/special-servers.ts'

const CONNECTIONS = 50
const WINDOW = 100
const RUNS = 20
const RUNS_WITH_WORKERS = 4

/** Answers on each connection before the signal. */
const WARM = 500

const CUT_OFF = 4

// Each program of a test adds a listener for the end of this process.
process.setMaxListeners(2 * RUNS)

for (const { name, runs, start } of [
  { name: 'sync handlers', runs: RUNS, start: () => startDemoServer() },
  { name: 'async handlers', runs: RUNS, start: () => startHandlerServer('async') },
  { name: 'two workers', runs: RUNS_WITH_WORKERS, start: () => startDemoServer(['--workers', '2']) },
]) {
  scenario(10, `SIGTERM under full load, 50 × 100 in flight, ${runs} runs, ${name}`, async (figures) => {
    const load = startAttacker<typeof FullLoad>('full-load')
    const sum = { requests: 0, answers: 0, lost: 0, wrong: 0, resets: 0, badExits: 0 }
    // The next server starts while this one is under load.
    let next = start()
    for (let run = 1; run <= runs; run++) {
      const server = await next
      if (run < runs) next = start()
      const { outcomes, exit } = await terminate(server, load)
      if (exit !== 0) sum.badExits += 1
      for (const { requests, answered, lastAnswered, wrong, ended } of withRequests(server, outcomes)) {
        sum.requests += requests
        sum.answers += answered
        sum.lost += Math.max(0, requests - answered)
        // The server received the first `requests` of them. An answer to a later one is wrong.
        sum.wrong += wrong + Math.max(0, answered - requests) + (lastAnswered > requests ? 1 : 0)
        if (!ended) sum.resets += 1
      }
    }
    figures.exactly('requests received and not answered', sum.lost, 0)
    figures.note('requests received', count(sum.requests))
    figures.exactly('wrong answers', sum.wrong, 0)
    figures.exactly('connections reset', sum.resets, 0)
    figures.exactly('exit statuses other than 0', sum.badExits, 0)
  })
}

scenario(10, 'SIGTERM with a handler that is stuck', async (figures) => {
  const server = await startHandlerServer('stuck', ['--drain-timeout', '1s'])
  const peer = await server.connect()
  peer.send('0000000d023030303030303031')
  await server.untilScraped('the request to be in flight', (metrics) => metrics.value('in_flight') === 1)
  const start = performance.now()
  server.program.signal('SIGTERM')
  const { status } = await server.program.exit()
  figures.exactly('exit status', status ?? Number.NaN, CUT_OFF)
  figures.near('after, with a deadline of 1 s', [(performance.now() - start) / 1000], 1.25, 0.25, seconds)
})

/** Puts a server under load, and stops it. */
async function terminate(server: DemoServer, load: Attacker<typeof FullLoad>) {
  await load.do('load', server.port, CONNECTIONS, WINDOW, WARM)
  server.program.signal('SIGTERM')
  const outcomes = await load.do('outcomes')
  const { status } = await server.program.exit()
  return { outcomes, exit: status }
}

/** The outcome of each connection, with the number of requests that the server received on it. */
function withRequests(server: DemoServer, outcomes: readonly LoadOutcome[]) {
  const received = new Map(server.logged('connection closed').map((line) => [line['remotePort'], line['requests']]))
  return outcomes.map((outcome) => ({ ...outcome, requests: Number(received.get(outcome.localPort)) }))
}
