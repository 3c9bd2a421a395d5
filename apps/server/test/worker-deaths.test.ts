import { PROGRAM_PATIENCE } from '@demo/testkit/program'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { killWorker, oneOfEach, pidsOf, startWorkers, untilGone } from './cluster-server.ts'
import { startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const ACK_LENGTH = 14

/** A worker dies as soon as it has reported that it listens. */
const DIES = `const { send } = process
process.send = (message, ...rest) => {
  if (message.type === 'listening') setTimeout(() => process.exit(7))
  return send.call(process, message, ...rest)
}
export default { onSubmit() {} }`

/** A slow handler. */
const SLOW = `export default {
  onSubmit: () => new Promise((resolve) => setTimeout(resolve, 500)),
}`

/** Blocks the event loop at request 99, and prints its process ID. Not for ever, in case a failing test leaves it behind. */
const LOOP = `import { writeSync } from 'node:fs'
export default {
  onSubmit({ id }) {
    if (id === '00000099') writeSync(1, process.pid + '\\n')
    const end = performance.now() + 20_000
    while (id === '00000099' && performance.now() < end);
  },
}`

const STUCK = 'export default { onSubmit: () => new Promise(() => setInterval(() => {}, 1000)) }'

describe('a worker that is killed', () => {
  it("is replaced; not ready until then; the other's clients are not affected", async () => {
    const server = await startWorkers(2)
    const [first, second] = await oneOfEach(server)
    for (const peer of [first, second]) {
      peer.send(submit(1))
      await peer.receive(ACK_LENGTH)
    }
    const killed = killWorker(server, 1)
    const [died] = await server.untilLogged('worker died')
    expect(died).toMatchObject({ level: 50, died: 1, diedPid: killed, signal: 'SIGKILL', pid: server.program.pid })
    expect(await server.probe('/readyz')).toEqual({ status: 503, text: 'not ready: 1 of 2 workers listen\n' })
    second.send(submit(2))
    expect(await second.receive(2 * ACK_LENGTH)).toBe(submitAcks(1, 2))
    await waitFor(
      () => pidsOf(server, 1).length === 2,
      () => 'for another worker 1',
      PROGRAM_PATIENCE,
    )
    await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
    expect(await server.probe('/readyz')).toMatchObject({ status: 200 })
    expect([first.closed, second.closed]).toEqual([true, false])
  })

  it('decreases no counter, in any scrape', async () => {
    const server = await startWorkers(2)
    const seen: number[] = []
    let watching = true
    const watch = async () => {
      while (watching) seen.push((await server.scrape()).value('req_recv_total'))
    }
    const watched = watch()
    // Avoids `unhandledRejection` when the test fails for another reason.
    watched.catch(() => {})
    let sent = 0
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 4; i++) {
        const peer = await server.connect()
        peer.end(submits(1, 50))
        await peer.receiveAll()
        sent += 50
      }
      await waitFor(
        () => seen.at(-1) === sent,
        () => `for ${sent} requests to be seen; there are ${seen.at(-1)}`,
      )
      // Both at the same time: the counts of both must be kept.
      killWorker(server, 1)
      killWorker(server, 2)
      await waitFor(
        () => pidsOf(server, 1).length > round && pidsOf(server, 2).length > round,
        () => 'for both to be replaced',
        PROGRAM_PATIENCE,
      )
      await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
    }
    watching = false
    await watched
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    const metrics = await server.scrape()
    expect(metrics.value('req_recv_total')).toBe(sent)
    expect(metrics.value('worker_restarts_total')).toBe(6)
  })
})

describe('the drain of workers', () => {
  it('decreases no counter when one has ended before the other', async () => {
    const module = new Folder().write('slow.mjs', SLOW.replace('500', '1500'))
    const server = await startWorkers(2, ['--handler', module])
    const [idle, busy] = await oneOfEach(server)
    for (const peer of [idle, busy]) peer.send(submits(1, 10))
    for (const peer of [idle, busy]) await peer.receive(10 * ACK_LENGTH)
    busy.send(submit(11))
    await server.untilScraped('it to be received', (metrics) => metrics.value('req_recv_total') === 21)
    server.program.signal('SIGTERM')
    await idle.receiveAll()
    const [stopped] = await server.untilLogged('worker stopped')
    await untilGone([Number(stopped?.['pid'])])
    expect((await server.scrape()).value('req_recv_total')).toBe(21)
    expect(await busy.receiveAll()).toBe(submitAcks(1, 11))
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('cuts off stuck requests at its deadline, logs how many, and ends with exit status 4', async () => {
    const module = new Folder().write('stuck.mjs', STUCK)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '200ms'])
    const peers = await oneOfEach(server)
    for (const peer of peers) peer.send(submits(1, 3))
    await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 6)
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    expect(server.log.at(-1)).toMatchObject({ level: 40, connections: 2, cutOff: 2, unanswered: 6 })
  })

  it('kills a worker with a blocked event loop at its deadline, while the other answers', async () => {
    const module = new Folder().write('loop.mjs', LOOP)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '100ms'])
    const [lost, other] = await oneOfEach(server)
    lost.send(submit(99))
    other.send(submit(1))
    expect(await other.receive(ACK_LENGTH)).toBe(submitAck(1))
    server.program.signal('SIGTERM')
    expect(await other.receiveAll()).toBe(submitAck(1))
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    await lost.untilClosed()
    expect(server.log.at(-1)).toMatchObject({ level: 40, connections: 2, cutOff: 1 })
  })

  it('ends at once at a second signal, with all workers', async () => {
    const module = new Folder().write('stuck.mjs', STUCK)
    const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '0'])
    const peer = await server.connect()
    peer.send(submit(1))
    await server.untilScraped('it to be received', (metrics) => metrics.value('req_recv_total') === 1)
    const pids = [...pidsOf(server, 1), ...pidsOf(server, 2)]
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 4, signal: null })
    await untilGone(pids)
    expect(server.logged('stopped at once by a second signal')).toMatchObject([{ level: 40, signal: 'SIGTERM' }])
  })
})

describe('a worker that is stuck', () => {
  it('does not delay the beginning of a drain, or the end at a second signal', async () => {
    // A server that waited for it would take a second. A loaded machine may be as slow, but not three times.
    const durations: number[] = []
    while (durations.length < 3 && !durations.some((duration) => duration < 1000)) durations.push(await stopTwice())
    expect(Math.min(...durations)).toBeLessThan(1000)
  })
})

/** The time from the first signal to the end at the second one, with one of two workers stuck, in milliseconds. */
async function stopTwice(): Promise<number> {
  const module = new Folder().write('loop.mjs', LOOP)
  const server = await startWorkers(2, ['--handler', module, '--drain-timeout', '0'])
  const [lost, other] = await oneOfEach(server)
  other.send(submit(1))
  await other.receive(ACK_LENGTH)
  await server.untilScraped('both to be known', (metrics) => metrics.value('client_connected') === 2)
  lost.send(submit(99))
  const stuck = await server.program.until('a worker is stuck', () => server.program.stdoutLines[0])
  const startedAt = performance.now()
  server.program.signalAt('"draining"', 'SIGTERM')
  server.program.signal('SIGTERM')
  expect(await server.program.exit()).toEqual({ status: 4, signal: null })
  const duration = performance.now() - startedAt
  expect(server.logged('draining')).toMatchObject([{ connections: 2 }])
  expect(server.logged('stopped at once by a second signal')).toHaveLength(1)
  await untilGone([Number(stuck)])
  return duration
}

describe('workers whose first process is killed', () => {
  it('answer what they received, and end by themselves', async () => {
    const module = new Folder().write('slow.mjs', SLOW)
    const server = await startWorkers(2, ['--handler', module])
    const peers = await oneOfEach(server)
    for (const peer of peers) peer.send(submits(1, 5))
    await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 10)
    const pids = [...pidsOf(server, 1), ...pidsOf(server, 2)]
    server.program.signal('SIGKILL')
    for (const peer of peers) expect(await peer.receiveAll()).toBe(submitAcks(1, 5))
    await untilGone(pids)
  })
})

describe('workers that keep dying', () => {
  it('are given up, with a line and exit status 1, when they never listen', async () => {
    const module = new Folder().write('dies.mjs', "process.kill(process.pid, 'SIGKILL')")
    const program = startDemoServerProgram([
      '--workers',
      '2',
      '--port',
      '0',
      '--metrics-port',
      '0',
      '--handler',
      module,
    ])
    expect(await program.exit(25_000)).toEqual({ status: 1, signal: null })
    expect(program.stderrLines.at(-1)).toBe('demo-server: 5 workers in a row died before they listened')
    expect(program.stderr).not.toContain('"listening"')
  })

  it('are given up, with a line and exit status 1, when they listen and then die', async () => {
    const module = new Folder().write('dies.mjs', DIES)
    const flags = ['--workers', '4', '--port', '0', '--metrics-port', '0', '--handler', module]
    const program = startDemoServerProgram(flags)
    expect(await program.exit(60_000)).toEqual({ status: 1, signal: null })
    expect(program.stderr).toContain('worker died')
    expect(program.stderr, 'no stack').not.toMatch(/^ +at /m)
    expect(program.stderr).toMatch(/"why":"20 workers died within 60 s"|demo-server: 20 workers died within 60 s/)
  }, 90_000)
})
