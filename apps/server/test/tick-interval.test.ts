import { submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { startDemoServer, startDemoServerProgram } from './demo-server.ts'
import { Folder } from './folder.ts'

/** Prints the session, the number and the thread of each tick. It is a class, so its handlers need `this`. */
const TICKS = `import { isMainThread } from 'node:worker_threads'
class Handlers {
  #ticks = new Map()
  onSubmit() {}
  onTick(session) {
    const ticks = (this.#ticks.get(session.id) ?? 0) + 1
    this.#ticks.set(session.id, ticks)
    console.log('session', session.id, 'tick', ticks, isMainThread)
  }
}
export default new Handlers()`

describe('--tick-interval', () => {
  it.each([
    { where: 'in a single process', flags: [] },
    { where: 'of a worker', flags: ['--workers', '2'] },
    { where: 'in the main thread, with handler threads', flags: ['--handler-threads', '1'] },
  ])('calls onTick for each session, over and over, $where', async ({ flags }) => {
    const server = await start(['--tick-interval', '20ms', ...flags])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14, 20_000)).toBe(submitAck(1))
    await server.program.until('three ticks', () =>
      server.program.stdoutLines.find((line) => line === 'session 1 tick 3 true'),
    )
    expect(server.logged('onTick is never called: set --tick-interval')).toEqual([])
  })

  it('is a warning when it is left out and the module has onTick', async () => {
    const server = await start([])
    const [line] = server.logged('onTick is never called: set --tick-interval')
    expect(line).toMatchObject({ level: 40 })
  })

  it('needs a handler', async () => {
    const line = await complaint(startDemoServerProgram(['--tick-interval', '1s']), 2)
    expect(line).toContain('--tick-interval needs --handler')
  })

  it('needs an onTick', async () => {
    const path = new Folder().write('handlers.mjs', 'export default { onSubmit() {} }')
    const line = await complaint(startDemoServerProgram(['--tick-interval', '1s', '--handler', path]), 2)
    expect(line).toContain(`--handler ${path}: --tick-interval needs a function onTick`)
  })

  it('refuses an onTick that is not a function', async () => {
    const path = new Folder().write('handlers.mjs', 'export default { onSubmit() {}, onTick: 5 }')
    const line = await complaint(startDemoServerProgram(['--handler', path]), 2)
    expect(line).toContain('invalid onTick in its default export: expected a function, got number')
  })
})

function start(flags: readonly string[]) {
  return startDemoServer(['--handler', new Folder().write('handlers.mjs', TICKS), ...flags])
}
