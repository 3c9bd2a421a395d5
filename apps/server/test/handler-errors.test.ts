import { submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { oneOfEach } from './cluster-server.ts'
import { type DemoServer, startDemoServer } from './demo-server.ts'
import { Folder } from './folder.ts'

describe('a handler that breaks out', () => {
  it('with an unhandled rejection is logged, and the server goes on', async () => {
    const server = await startWith(`export default {
      onSubmit() { Promise.reject(new Error('unheard')) },
    }`)
    const peer = await server.connect()
    peer.send(submits(1, 3))
    expect(await peer.receive(42)).toBe(submitAcks(1, 3))
    const lines = await server.untilLogged('a promise was rejected, and nobody heard it', 3)
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line).toMatchObject({ level: 50, error: expect.stringContaining('unheard') })
    server.program.signal('SIGTERM')
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
  })

  it('ends the server with an exception in a timer: what was received is answered first, exit status 1', async () => {
    const server = await startWith(`export default {
      onSubmit({ id }) {
        if (id !== '00000099') return new Promise((resolve) => setTimeout(resolve, 300))
        setTimeout(() => { throw new Error('out of the blue') })
      },
    }`)
    const [one, other] = [await server.connect(), await server.connect()]
    one.send(submits(1, 10))
    await server.untilScraped('them to be received', (metrics) => metrics.value('req_recv_total') === 10)
    other.send(submit(99))
    expect(await other.receiveAll()).toBe(submitAck(99))
    expect(await one.receiveAll()).toBe(submitAcks(1, 10))
    expect(await server.program.exit()).toEqual({ status: 1, signal: null })
    const [line] = server.logged('unexpected error')
    expect(line).toMatchObject({ level: 60, error: expect.stringContaining('out of the blue') })
    expect(server.logged('draining')).toMatchObject([{ error: 'out of the blue', connections: 2 }])
    expect(server.log.at(-1)).toMatchObject({ msg: 'stopped', cutOff: 0, unanswered: 0 })
  })

  it('ends one worker only, which is replaced', async () => {
    const server = await startWith(
      `export default {
        onSubmit({ id }) { if (id === '00000099') setTimeout(() => { throw new Error('out of the blue') }) },
      }`,
      ['--workers', '2', '--log-level', 'debug'],
    )
    const [one, other] = await oneOfEach(server)
    one.send(submit(99))
    expect(await one.receiveAll()).toBe(submitAck(99))
    expect(await server.untilLogged('worker exited')).toMatchObject([{ status: 1 }])
    await server.untilScraped('both to listen', (metrics) => metrics.value('workers') === 2)
    other.send(submit(1))
    expect(await other.receive(14)).toBe(submitAck(1))
    const metrics = await server.scrape()
    expect(metrics.value('worker_restarts_total')).toBe(1)
    expect(metrics.value('req_recv_total')).toBe(2)
  })
})

describe('a bug in the server itself', () => {
  it('is logged with its stack, ends one connection as internal-error, and hurts no other', async () => {
    // A session that throws while it works, as with a bug.
    const server = await startWith(`export default {
      onSubmit(_submit) {},
      onOpen(session) {
        if (session.id === 1) session.work = function broken() { throw new TypeError('nothing is no session') }
      },
    }`)
    const one = await server.connect()
    one.send(submit(1))
    await one.untilClosed()
    const message = expect.stringMatching(/^bug in @demo\/server.*nothing is no session$/)
    expect(await server.untilLogged('the server failed')).toMatchObject([
      { level: 50, session: 1, error: message, stack: expect.stringMatching(/\n +at \S*broken /) },
    ])
    expect(await server.untilLogged('connection closed')).toMatchObject([
      { level: 40, reason: 'internal-error', error: message },
    ])
    const other = await server.connect()
    other.send(submit(2))
    expect(await other.receive(14)).toBe(submitAck(2))
    expect((await server.scrape()).closed).toEqual({ 'internal-error': 1 })
  })
})

function startWith(text: string, flags: readonly string[] = []): Promise<DemoServer> {
  return startDemoServer(['--handler', new Folder().write('handlers.mjs', text), ...flags])
}
