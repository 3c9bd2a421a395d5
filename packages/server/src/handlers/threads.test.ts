import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { waitFor, within } from '@demo/testkit/wait-for'
import { sortedAcks, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ServerOptions } from '../options.ts'
import { type Running, startServer } from '../testing/harness.ts'
import { inThreads, type ThreadedHandler, type ThreadsOptions } from './threads.ts'

const HANDLER = new URL('../testing/thread-handler.js', import.meta.url)

/** Threads take long to start on a loaded machine. */
const PATIENCE = 20_000

const order = (serial: number, what: string, path = '') =>
  submit(serial, Buffer.from(JSON.stringify({ what, path })).toString('hex'))
const code = (value: string) => expect.objectContaining({ code: value })
const moduleOf = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`

describe('inThreads', { timeout: 60_000 }, () => {
  it('answers what the handlers return, throw or promise', async () => {
    const { running } = await start({ threads: 2 })
    const peer = await running.connect()
    const orders = ['success', 'failure', 'throw', 'throw a function', 'return a function', 'success']
    peer.send(orders.map((what, at) => order(at + 1, what)).join(''))
    const answers = await peer.receive(6 * 14, PATIENCE)
    expect(sortedAcks(answers)).toEqual([0, 1, 1, 1, 1, 0].map((result, at) => submitAck(at + 1, result)))
    expect(running.errors).toHaveLength(3)
    expect(running.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'RangeError', message: 'out of it', code: 'ERR_OUT' }),
        expect.objectContaining({ message: 'function' }),
        expect.objectContaining({ message: expect.stringContaining('onSubmit returned function: expected 0, 1') }),
      ]),
    )
  })

  it.each([false, true])(
    'gives a handler its own copy of the payload, and the context (reused buffer: %s)',
    async (reuse) => {
      const path = temporaryPath()
      const { running } = await start({ threads: 1 }, { reuseReadBuffer: reuse })
      const peer = await running.connect()
      peer.send(order(1, 'tell', path))
      expect(await peer.receive(14, PATIENCE)).toBe(submitAck(1))
      const { length } = JSON.stringify({ what: 'tell', path })
      const facts = JSON.parse(readFileSync(path, 'utf8'))
      expect(facts).toMatchObject({
        id: '00000001',
        contextId: '00000001',
        command: 2,
        session: { id: 1, remoteAddress: '127.0.0.1', authenticated: false },
        lengths: [length, length, length],
        aborted: false,
      })
      // The clocks of threads begin at different times: what crosses is turned into the thread's own.
      expect(facts.sinceReceived).toBeGreaterThan(0)
      expect(facts.sinceReceived).toBeLessThan(PATIENCE)
      expect(facts.untilDeadline + facts.sinceReceived).toBeCloseTo(30_000, -1)
    },
  )

  it('leaves the event loop free while all threads burn', async () => {
    const [one, two] = [temporaryPath(), temporaryPath()]
    const { running, handler } = await start({ threads: 2 })
    const peer = await running.connect()
    peer.send(order(1, 'burn until the file is there', one) + order(2, 'burn until the file is there', two))
    await until(() => existsSync(`${one}.begun`) && existsSync(`${two}.begun`), 'both threads to burn')
    const health = createHttpServer((_request, response) => response.end('ok')).listen(0)
    onTestFinished(() => void health.close())
    const { port } = health.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('ok')
    expect(handler.stats).toMatchObject({ running: 2, waiting: 0, completed: 0 })
    expect(peer.received).toBe('')
    writeFileSync(two, '')
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(2))
    writeFileSync(one, '')
    expect(await peer.receive(28, PATIENCE)).toBe(submitAck(2) + submitAck(1))
  })

  it('answers a session in order if that is asked for, and other sessions meanwhile', async () => {
    const path = temporaryPath()
    const { running, handler } = await start({ threads: 2, ordered: true })
    const [first, second] = [await running.connect(), await running.connect()]
    first.send(order(1, 'wait for the file', path) + order(2, 'throw') + order(3, 'success'))
    await until(() => handler.stats.completed === 2, 'the later requests to be through')
    second.send(order(9, 'success'))
    expect(await second.receive(14, PATIENCE)).toBe(submitAck(9))
    expect(first.received).toBe('')
    writeFileSync(path, '')
    expect(await first.receive(42, PATIENCE)).toBe(submitAck(1) + submitAck(2, 1) + submitAck(3))
  })

  it('answers 1 at once when the queue is full', async () => {
    const path = temporaryPath()
    const { running } = await start({ threads: 1, maxQueue: 1 })
    const peer = await running.connect()
    peer.send(order(1, 'burn until the file is there', path) + order(2, 'success') + order(3, 'success'))
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(3, 1))
    expect(running.errors).toEqual([code('ERR_THREADS_QUEUE_FULL')])
    writeFileSync(path, '')
    expect(await peer.receive(42, PATIENCE)).toBe(submitAck(3, 1) + submitAck(1) + submitAck(2))
  })
})

describe('a thread that dies', { timeout: 60_000 }, () => {
  it.each([
    ['exit', 'worker exited with code: 3'],
    ['throw where nobody hears it', 'nobody hears it'],
    ['fill the memory', 'memory'],
  ])('(%s) answers 1 to what it had, and is replaced; others are not hurt', async (what, message) => {
    const path = temporaryPath()
    const { running, handler } = await start({ threads: 2, resourceLimits: { maxOldGenerationSizeMb: 32 } })
    const peer = await running.connect()
    peer.send(order(1, 'burn until the file is there', path) + order(2, what) + order(3, 'success'))
    const answers = await peer.receive(28, PATIENCE)
    expect(answers).toBe(submitAck(2, 1) + submitAck(3))
    expect(running.errors).toEqual([code('ERR_THREADS_DIED')])
    expect(String(running.errors[0])).toContain(message)
    writeFileSync(path, '')
    expect(await peer.receive(42, PATIENCE)).toBe(answers + submitAck(1))
    expect(handler.stats).toEqual({ running: 0, waiting: 0, completed: 3, ended: 1 })
  })

  it('without a request is reported and replaced', async () => {
    const deaths: Error[] = []
    const { running } = await start({ threads: 1, onIdleDeath: (error) => deaths.push(error) })
    const peer = await running.connect()
    peer.send(order(1, 'throw after the answer'))
    await until(() => deaths.length + running.errors.length === 1, 'the thread to die')
    expect([...deaths, ...running.errors]).toEqual([code('ERR_THREADS_DIED')])
    peer.send(order(2, 'success'))
    await peer.receive(28, PATIENCE)
    expect(sortedAcks(peer.received)[1]).toBe(submitAck(2))
  })
})

describe('a request in a thread that is aborted', { timeout: 60_000 }, () => {
  it.each(['burn until aborted', 'wait until aborted'])('(%s) sees it when it overran its time', async (what) => {
    const path = temporaryPath()
    // Long enough that the handler has begun when its time is over.
    const { running, handler } = await start({ threads: 1, abortGrace: 0 }, { handlerTimeout: 1500 })
    const peer = await running.connect()
    peer.send(order(1, what, path))
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(1, 1))
    await until(() => handler.stats.running === 0, 'the handler to stop')
    expect(readFileSync(path, 'utf8')).toBe('ERR_SERVER_HANDLER_TIMEOUT')
    expect(running.errors).toEqual([code('ERR_SERVER_HANDLER_TIMEOUT')])
    expect(handler.stats.ended).toBe(0)
    peer.send(order(2, 'success'))
    expect(await peer.receive(28, PATIENCE)).toBe(submitAck(1, 1) + submitAck(2))
  })

  it('sees it when its connection is gone', async () => {
    const path = temporaryPath()
    const { running, handler } = await start({ threads: 1 })
    const { peer, session } = await running.open()
    peer.send(order(1, 'burn until aborted', path))
    await until(() => existsSync(`${path}.begun`), 'the handler to begin')
    session.destroy()
    await until(() => handler.stats.running === 0, 'the handler to stop')
    expect(readFileSync(path, 'utf8')).toBe('ERR_SERVER_CONNECTION_CLOSED')
  })

  it('loses its thread when it does not stop, and what waited is answered', async () => {
    const path = temporaryPath()
    const { running, handler } = await start({ threads: 1, abortGrace: 1 })
    const { peer, session } = await running.open()
    const other = await running.connect()
    peer.send(order(1, 'burn for ever', path))
    await until(() => existsSync(`${path}.begun`), 'the handler to begin')
    other.send(order(2, 'success'))
    await until(() => handler.stats.waiting === 1, 'the other request to wait')
    session.destroy()
    expect(await other.receive(14, PATIENCE)).toBe(submitAck(2))
    expect(handler.stats.ended).toBe(1)
    expect(running.errors).toEqual([])
  })

  it('is not begun when it still waits', async () => {
    const [blocker, never] = [temporaryPath(), temporaryPath()]
    const { running, handler } = await start({ threads: 1 })
    const { peer, session } = await running.open()
    const other = await running.connect()
    other.send(order(1, 'burn until the file is there', blocker))
    await until(() => existsSync(`${blocker}.begun`), 'the thread to be busy')
    peer.send(order(2, 'tell', never))
    await until(() => handler.stats.waiting === 1, 'the request to wait')
    session.destroy()
    await until(() => handler.stats.waiting === 0, 'it to wait no more')
    writeFileSync(blocker, '')
    expect(await other.receive(14, PATIENCE)).toBe(submitAck(1))
    expect(existsSync(never)).toBe(false)
  })
})

describe('close', { timeout: 60_000 }, () => {
  it('of the server waits for what is in threads and in their queue', async () => {
    const { running, handler } = await start({ threads: 2 })
    const peer = await running.connect()
    const path = temporaryPath()
    const count = 200
    const orders = Array.from({ length: count }, (_, at) =>
      order(at + 1, at < 2 ? 'wait for the file' : 'success', path),
    )
    peer.send(orders.join(''))
    await until(() => handler.stats.running === 2 && handler.stats.waiting === count - 2, 'all to be received')
    const closing = running.server.close({ timeout: 0 })
    writeFileSync(path, '')
    const answers = await peer.receiveAll(PATIENCE)
    expect(sortedAcks(answers)).toEqual(Array.from({ length: count }, (_, at) => submitAck(at + 1)))
    peer.end()
    expect(await closing).toMatchObject({ cutOff: 0, unanswered: 0 })
    await within(handler.close(), 'for the threads to end', PATIENCE)
  })

  it('of the threads waits for what they have, and takes no more', async () => {
    const path = temporaryPath()
    const { running, handler } = await start({ threads: 1 })
    const peer = await running.connect()
    peer.send(order(1, 'wait for the file', path) + order(2, 'success'))
    await until(() => handler.stats.waiting === 1, 'one to run and one to wait')
    const closed = handler.close()
    expect(handler.close()).toBe(closed)
    peer.send(order(3, 'success'))
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(3, 1))
    expect(running.errors).toEqual([code('ERR_THREADS_CLOSED')])
    writeFileSync(path, '')
    await within(closed, 'for the threads to end', PATIENCE)
    expect(await peer.receive(42, PATIENCE)).toBe(submitAck(3, 1) + submitAck(1) + submitAck(2))
  })
})

it('leaves no thread behind, also of those that are ended as it closes', { timeout: 60_000 }, async () => {
  const threads: Worker[] = []
  const started = (thread: Worker) => void threads.push(thread)
  process.on('worker', started)
  onTestFinished(() => void process.off('worker', started))
  const path = temporaryPath()
  const { running, handler } = await start({ threads: 1, abortGrace: 1 })
  const { peer, session } = await running.open()
  peer.send(order(1, 'burn in native code', path))
  await until(() => existsSync(`${path}.begun`), 'the handler to begin')
  session.destroy()
  await within(handler.close(), 'for the threads to end', PATIENCE)
  expect(threads.length).toBe(2)
  await until(() => threads.every(({ threadId }) => threadId === -1), 'all threads to end')
  // One that piscina starts in place of the last would be here by now: it does so when a thread ends.
  expect(threads.length).toBe(2)
})

describe('a module that can not be loaded', { timeout: 60_000 }, () => {
  it.each([
    ['is not there', 'file:///nowhere/handler.js', 'nowhere'],
    ['throws', moduleOf('throw new Error("no database")'), 'no database'],
    ['ends its thread', moduleOf('process.exit(9)'), 'code: 9'],
    ['has a fault in its text', moduleOf('export default {'), 'SyntaxError'],
    ['exports no handler', moduleOf('export default { onsubmit() {} }'), 'expected an exported function onSubmit'],
  ])('because it %s is an error', async (_what, url, message) => {
    const failed = inThreads(url, { threads: 2 })
    await expect(failed).rejects.toEqual(code('ERR_THREADS_LOAD'))
    await expect(failed).rejects.toThrow(message)
  })

  it('because it takes too long is an error', async () => {
    const failed = inThreads(moduleOf('await new Promise(() => {})'), { threads: 1, loadTimeout: 50 })
    await expect(failed).rejects.toThrow('it did not load within 50 ms')
  })

  it.each([
    'export default () => 0',
    'export default { onSubmit() { return this.result }, result: 0 }',
    'export const onSubmit = () => 0',
  ])('is not %s', async (text) => {
    const { running } = await start({ threads: 1 }, {}, moduleOf(text))
    const peer = await running.connect()
    peer.send(submit(1))
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(1))
  })
})

it.each([
  [{ threads: 0 }, 'invalid threads 0: expected an integer from 1 to 1024'],
  [{ threads: 1.5 }, 'invalid threads 1.5'],
  [{ maxQueue: -1 }, 'invalid maxQueue -1'],
  [{ abortGrace: Number.NaN }, 'invalid abortGrace NaN'],
  [{ ordered: 1 }, 'invalid ordered 1: expected true or false'],
  [{ onIdleDeath: 'log' }, "invalid onIdleDeath 'log': expected a function"],
  [{ resourceLimits: null }, 'invalid resourceLimits null: expected an object'],
  [{ thread: 2 }, 'invalid thread: no such option; expected one of threads, maxQueue'],
])('refuses the options %j', async (options, message) => {
  const failed = inThreads(HANDLER, options as ThreadsOptions)
  await expect(failed).rejects.toEqual(code('ERR_THREADS_OPTION'))
  await expect(failed).rejects.toThrow(message)
})

it('refuses a path: it does not say from where', async () => {
  await expect(inThreads('./handler.js')).rejects.toThrow("invalid url './handler.js'")
})

async function start(
  threads: ThreadsOptions,
  options: ServerOptions = {},
  url: URL | string = HANDLER,
): Promise<{ running: Running; handler: ThreadedHandler }> {
  const handler = await inThreads(url, threads)
  onTestFinished(() => handler.close())
  const running = await startServer({ onSubmit: handler }, options)
  return { running, handler }
}

const until = (condition: () => boolean, what: string) => waitFor(condition, () => `for ${what}`, PATIENCE)

function temporaryPath(): string {
  return join(temporaryFolder(), 'file')
}
