import type { ProgramOptions } from '@demo/testkit/program'
import { sortedAcks, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

const PATIENCE = 20_000

/** Burns CPU until the file that the payload names exists. Prints the thread of `onOpen`. */
const HANDLERS = `import { existsSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
class Handlers {
  #opened = 0
  onOpen() { console.log('opened', ++this.#opened, isMainThread) }
  onSubmit({ payload }) {
    if (isMainThread) return 1
    const path = Buffer.from(payload).toString()
    if (path === '') return 0
    if (path === 'exit') process.exit(3)
    writeFileSync(path + '.begun', '')
    while (!existsSync(path));
  }
}
export default new Handlers()`

describe('--handler-threads', { timeout: 60_000 }, () => {
  it('does not block the program while all threads are busy, and SIGTERM answers their requests', async () => {
    const folder = new Folder()
    const server = await start(folder, ['--handler-threads', '2', '--drain-timeout', '0'])
    const peer = await server.connect()
    const burn = (serial: number, name: string) => submit(serial, Buffer.from(folder.at(name)).toString('hex'))
    peer.send(burn(1, 'a') + burn(2, 'b') + submit(3))
    await server.program.until('both threads burn', () => (folder.has('a.begun') && folder.has('b.begun')) || undefined)
    expect(await server.probe('/healthz')).toMatchObject({ status: 200 })
    expect((await server.scrape()).value('in_flight')).toBe(3)
    server.program.signal('SIGTERM')
    await server.untilLogged('draining')
    folder.write('b', '')
    folder.write('a', '')
    const answers = await peer.receiveAll(PATIENCE)
    expect(sortedAcks(answers)).toEqual([submitAck(1), submitAck(2), submitAck(3)])
    peer.end()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    expect(server.logged('stopped')).toMatchObject([{ cutOff: 0, unanswered: 0 }])
    expect(server.program.stdoutLines).toContain('opened 1 true')
  })

  it.each([
    { signals: ['SIGTERM'], status: 0 },
    { signals: ['SIGTERM', 'SIGINT'], status: 4 },
  ] as const)('opens nothing after $signals while the threads load: status $status', async ({ signals, status }) => {
    const folder = new Folder()
    const handler = folder.write('slow.mjs', slowToLoad(folder))
    const flags = ['--port', '0', '--metrics-port', '0', '--handler', handler, '--handler-threads', '1']
    const program = startDemoServerProgram(flags)
    await program.until('the thread loads, and the main thread is busy', () => folder.has('busy') || undefined)
    for (const signal of signals) program.signal(signal)
    folder.write('go', '')
    expect(await program.exit()).toEqual({ status, signal: null })
    expect(program.stderr).not.toContain('"listening"')
  })

  it('replaces a thread that dies, and logs it; other requests are not affected', async () => {
    const server = await start(new Folder(), ['--handler-threads', '1'])
    const peer = await server.connect()
    peer.send(submit(1, Buffer.from('exit').toString('hex')) + submit(2))
    expect(await peer.receive(28, PATIENCE)).toBe(submitAck(1, 1) + submitAck(2))
    expect(server.logged('a handler failed')).toMatchObject([{ error: expect.stringContaining('exited with code: 3') }])
  })

  it.each([
    { what: 'the environment', options: { environment: { DEMO_SERVER_HANDLER_THREADS: '1' } }, flags: [] },
    { what: 'each of several workers', options: {}, flags: ['--handler-threads', '1', '--workers', '2'] },
  ])('is taken from $what', async ({ options, flags }) => {
    const server = await start(new Folder(), flags, options)
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14, PATIENCE)).toBe(submitAck(1))
  })

  it('is taken from the file, and checked as it starts', async () => {
    const folder = new Folder()
    const handler = folder.write('handlers.mjs', HANDLERS)
    const file = folder.write('demo.yaml', `handler: ${handler}\nhandler-threads: 2\n`)
    const program = startDemoServerProgram(['--config', file, '--check-config'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toBe('the configuration is fine\n')
  })

  it.each(['-1', '1.5', 'auto', '1025', ''])('refuses %j with one line that says what is allowed', async (value) => {
    const line = await complaint(startDemoServerProgram(['--handler', 'h.mjs', `--handler-threads=${value}`]), 2)
    expect(line).toContain('--handler-threads')
    if (value !== '') expect(line).toContain('from 0 (no threads) to 1024')
  })

  it('needs a handler', async () => {
    const line = await complaint(startDemoServerProgram(['--handler-threads', '2']), 2)
    expect(line).toContain('--handler-threads needs --handler')
  })

  it('ends the start with one line when a thread cannot load the module', async () => {
    const text = `import { isMainThread } from 'node:worker_threads'
      if (!isMainThread) throw new Error('not in a thread')
      export default { onSubmit() {} }`
    const path = new Folder().write('handlers.mjs', text)
    const flags = ['--handler', path, '--handler-threads', '2', '--port', '0', '--metrics-port', '0']
    const line = await complaint(startDemoServerProgram(flags), 2)
    expect(line).toContain(`--handler ${path}: --handler-threads: `)
    expect(line).toContain('not in a thread')
  })
})

/**
 * A module that takes long to load in a thread. During that time it blocks the main thread until the file `go` exists, so that
 * all signals of a test are pending when the program handles the first one. Two pending signals of the same kind are merged.
 */
function slowToLoad(folder: Folder): string {
  const path = (name: string) => JSON.stringify(folder.at(name))
  return `import { existsSync, writeFileSync } from 'node:fs'
    import { isMainThread } from 'node:worker_threads'
    if (isMainThread) {
      const timer = setInterval(() => {
        if (!existsSync(${path('loading')})) return
        clearInterval(timer)
        writeFileSync(${path('busy')}, '')
        const end = performance.now() + 20_000
        while (!existsSync(${path('go')}) && performance.now() < end);
      }, 5)
    } else {
      writeFileSync(${path('loading')}, '')
      await new Promise((end) => setTimeout(end, 9000))
    }
    export default { onSubmit() {} }`
}

function start(folder: Folder, flags: readonly string[], options?: ProgramOptions) {
  return startDemoServer(['--handler', folder.write('handlers.mjs', HANDLERS), ...flags], options)
}
