import { setTimeout as sleep } from 'node:timers/promises'
import { killWorker, startWorkers } from '../test/cluster-server.ts'
import { inParallel } from './attacks/in-parallel.ts'
import { count, seconds } from './fixture/figures.ts'
import { scenario } from './fixture/scenario.ts'

/** From the end of a worker to the signal to stop, in milliseconds: the whole start of the worker that replaces it. */
const DELAYS = [0, 80, 160, 300]

/** How many servers run at the same time. */
const SIDE_BY_SIDE = 2

// Each program of a test adds a listener for the end of this process.
process.setMaxListeners(4 * DELAYS.length)

scenario(19, 'kill −9 one of two workers, and SIGTERM 0 to 300 ms later', async (figures) => {
  const runs = DELAYS.flatMap((delay) => [[], ['--drain-timeout', '0']].map((flags) => ({ delay, flags })))
  const ends: { status: number | null; duration: number }[] = []
  await inParallel(SIDE_BY_SIDE, runs, async ({ flags, delay }) => {
    ends.push(await killAndStop(flags, delay))
  })
  figures.exactly(
    `exit statuses other than 0, of ${count(runs.length)}`,
    ends.filter(({ status }) => status !== 0).length,
    0,
  )
  figures.atMost('ended after, at most', Math.max(...ends.map(({ duration }) => duration)), 3, seconds)
})

async function killAndStop(flags: readonly string[], delay: number) {
  const server = await startWorkers(2, flags)
  killWorker(server, 1)
  await sleep(delay)
  const startedAt = performance.now()
  server.program.signal('SIGTERM')
  const { status } = await server.program.exit(20_000)
  return { status, duration: (performance.now() - startedAt) / 1000 }
}
