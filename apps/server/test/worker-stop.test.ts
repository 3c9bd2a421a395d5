import { connect } from 'node:net'
import type { Program } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { isAlive, killWorker, oneOfEach, pidsOf, startWorkers, untilGone } from './cluster-server.ts'
import { type DemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

/** Prints the process ID, and its import never ends. */
const SLOW_IMPORT = `import { writeSync } from 'node:fs'
writeSync(1, process.pid + '\\n')
await new Promise((resolve) => setTimeout(resolve, 60_000))
export default { onSubmit() {} }`

/** The same, with a blocked event loop. Not for ever, in case a failing test leaves it behind. */
const BUSY_IMPORT = `import { writeSync } from 'node:fs'
writeSync(1, process.pid + '\\n')
const end = performance.now() + 20_000
while (performance.now() < end);
export default { onSubmit() {} }`

const STUCK = 'export default { onSubmit: () => new Promise(() => setInterval(() => {}, 1000)) }'

/** Throws an uncaught exception at request 99. */
const BREAKS = `export default {
  onSubmit({ id }) {
    if (id === '00000099') setTimeout(() => { throw new Error('out of the blue') })
  },
}`

/** Far less than the ten seconds of a drain and the three seconds that a worker may take after it. */
const AT_ONCE = 5000

describe('SIGTERM soon after a worker was killed', () => {
  const delays = [0, 40, 80, 120, 160, 250]
  const timeouts = [[], ['--drain-timeout', '0']]

  it.each(timeouts.flatMap((flags) => delays.map((delay) => ({ delay, flags }))))(
    'ends all processes at once, with status 0: $delay ms, $flags',
    async ({ delay, flags }) => {
      const server = await startWorkers(2, flags)
      killWorker(server, 1)
      await new Promise((resolve) => setTimeout(resolve, delay))
      server.program.signal('SIGTERM')
      expect(await server.program.exit(AT_ONCE)).toEqual({ status: 0, signal: null })
      expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 0, cutOff: 0 })
    },
  )
})

describe('SIGTERM while the handlers are imported', () => {
  const flags = ['--port', '0', '--metrics-port', '0', '--drain-timeout', '0']

  it.each([
    { workers: '1', module: SLOW_IMPORT },
    { workers: '2', module: SLOW_IMPORT },
    { workers: '2', module: BUSY_IMPORT },
  ])('ends all processes at once, and opens nothing: $workers workers', async ({ workers, module }) => {
    const handler = new Folder().write('slow.mjs', module)
    const program = startDemoServerProgram(['--workers', workers, '--handler', handler, ...flags])
    const pid = await importing(program)
    program.signal('SIGTERM')
    expect(await program.exit(AT_ONCE)).toEqual({ status: 0, signal: null })
    expect(program.stderr).not.toContain('listening')
    expect(isAlive(pid)).toBe(false)
  })

  it('and a second one give status 4, and leave no worker behind', async () => {
    const handler = new Folder().write('slow.mjs', BUSY_IMPORT)
    const program = startDemoServerProgram(['--workers', '2', '--handler', handler, ...flags])
    const pid = await importing(program)
    program.signalAt('"draining"', 'SIGTERM')
    program.signal('SIGTERM')
    expect(await program.exit(AT_ONCE)).toEqual({ status: 4, signal: null })
    await untilGone([pid])
  })

  it('and SIGKILL of the first process end its worker too', async () => {
    const handler = new Folder().write('slow.mjs', SLOW_IMPORT)
    const program = startDemoServerProgram(['--workers', '2', '--handler', handler, ...flags])
    const pid = await importing(program)
    program.signal('SIGKILL')
    await untilGone([pid])
  })
})

describe('the drain of workers', () => {
  it('refuses new connections at once, also with a slow peer', async () => {
    const server = await startWorkers(2, ['--linger-timeout', '0'])
    const peer = await server.connect({ holdsOn: true })
    server.program.signal('SIGTERM')
    await peer.receiveAll()
    await untilRefused(server)
    peer.end()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('counts connections of a worker that was killed in it as lost, not as cut off: status 1', async () => {
    const module = new Folder().write('stuck.mjs', STUCK)
    const server = await startWorkers(2, ['--handler', module])
    const [first, second] = await oneOfEach(server)
    first.send(submit(1))
    await server.untilScraped('it to be received', (metrics) => metrics.value('req_recv_total') === 1)
    server.program.signal('SIGTERM')
    await second.receiveAll()
    const killed = killWorker(server, 1)
    expect(await server.program.exit(AT_ONCE)).toEqual({ status: 1, signal: null })
    expect(server.logged('worker died')).toMatchObject([{ died: 1, diedPid: killed, signal: 'SIGKILL' }])
    expect(server.log.at(-1)).toMatchObject({ level: 50, connections: 2, cutOff: 0, lost: 1 })
    expect(server.log.at(-1)?.['msg']).not.toContain('deadline')
  })

  it('does not count the connections of a worker that ended before', async () => {
    const module = new Folder().write('breaks.mjs', BREAKS)
    const server = await startWorkers(2, ['--handler', module])
    const peer = await server.connect()
    peer.send(submit(99))
    await peer.receiveAll()
    const [exited] = await server.untilLogged('worker exited')
    expect(exited).toMatchObject({ level: 30, status: 1, exitedPid: expect.any(Number) })
    expect(server.logged('worker died')).toEqual([])
    await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 0 })
  })

  it('has status 0 also with many scrapes at its beginning', async () => {
    const server = await startWorkers(2)
    const peers = [await server.connect(), await server.connect()]
    for (const peer of peers) peer.send(submits(1, 3))
    for (const peer of peers) expect(await peer.receive(42)).toBe(submitAcks(1, 3))
    const scrapes = Array.from({ length: 300 }, () => server.scrape().catch(() => {}))
    await scrapes[0]
    server.program.signal('SIGTERM')
    for (const peer of peers) await peer.receiveAll()
    expect(await server.program.exit(AT_ONCE)).toEqual({ status: 0, signal: null })
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', connections: 2, cutOff: 0, unanswered: 0 })
    await Promise.all(scrapes)
  })
})

describe('workers whose first process is killed', () => {
  it('end also where a drain has no limit', async () => {
    const module = new Folder().write('stuck.mjs', STUCK)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '0', '--handler-timeout', '0'])
    const peer = await server.connect()
    peer.send(submit(1))
    await server.untilScraped('it to be received', (metrics) => metrics.value('req_recv_total') === 1)
    const pids = [...pidsOf(server, 1), ...pidsOf(server, 2)]
    server.program.signal('SIGKILL')
    await untilGone(pids, 10_000)
  }, 20_000)
})

describe('workers that leave', () => {
  it('are replaced at once, before they have drained; no connect is refused; /readyz has their number', async () => {
    const module = new Folder().write('breaks.mjs', BREAKS_AND_STAYS)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '0'])
    const old = [...pidsOf(server, 1), ...pidsOf(server, 2)]
    const peers = await oneOfEach(server)
    for (const peer of peers) peer.send(submit(1))
    await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 2)
    for (const peer of peers) peer.send(submit(99))
    await server.untilLogged('worker accepts no more, and drains', 2)
    expect(await server.probe('/readyz')).toEqual({ status: 503, text: 'not ready: 0 of 2 workers listen\n' })
    expect((await server.scrape()).value('workers')).toBe(0)

    const late = await server.connect()
    late.send(submit(2))
    expect(await late.receive(14)).toBe(submitAck(2))
    await server.untilScraped('both to be replaced', (metrics) => metrics.value('workers') === 2)
    expect(await server.probe('/readyz')).toMatchObject({ status: 200 })
    expect(server.logged('worker exited'), 'the old ones still drain').toEqual([])
    expect((await server.scrape()).value('worker_restarts_total')).toBe(2)
    for (const pid of old) process.kill(pid, 'SIGUSR2')
    for (const peer of peers) expect(await peer.receiveAll()).toContain(submitAck(1))
    const exited = await server.untilLogged('worker exited', 2)
    expect(exited.map(({ exitedPid }) => exitedPid).toSorted()).toEqual(old.toSorted())
    expect(server.logged('worker died')).toEqual([])
  })

  it('are at most twice as many as --workers', async () => {
    const module = new Folder().write('breaks.mjs', BREAKS_AND_STAYS)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '0'])
    for (let round = 1; round <= 4; round++) {
      const peer = await server.connect()
      peer.send(submit(1) + submit(99))
      await server.untilLogged('worker accepts no more, and drains', round)
    }
    const peer = await server.connect()
    peer.send(submit(1))
    const pids = [...pidsOf(server, 1), ...pidsOf(server, 2)]
    expect(pids.filter(isAlive)).toHaveLength(4)
    expect(await server.probe('/readyz')).toEqual({ status: 503, text: 'not ready: 0 of 2 workers listen\n' })
    // As soon as one of them has ended, another starts, and accepts the waiting connection.
    process.kill(Number(pids[0]), 'SIGKILL')
    await server.untilScraped('one to be received', (metrics) => metrics.value('workers') === 1)
    await server.untilLogged('connection opened', 5)
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
  })
})

/** Request 1 is answered at SIGUSR2; request 99 throws an uncaught exception. The worker drains until SIGUSR2. */
const BREAKS_AND_STAYS = `export default {
  onSubmit({ id }) {
    if (id === '00000001') return new Promise((resolve) => process.once('SIGUSR2', () => resolve()))
    if (id === '00000099') setTimeout(() => { throw new Error('out of the blue') })
  },
}`

/** The ID of the process that imports a module. */
async function importing(program: Program): Promise<number> {
  return Number(await program.until('a process imports it', () => program.stdoutLines[0]))
}

async function untilRefused({ port }: DemoServer): Promise<void> {
  let refused = false
  const knock = () => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => socket.destroy())
    socket.once('error', (error: NodeJS.ErrnoException) => {
      refused ||= error.code === 'ECONNREFUSED'
    })
    socket.once('close', () => refused || knock())
  }
  knock()
  await waitFor(
    () => refused,
    () => 'for a connect to be refused',
  )
}
