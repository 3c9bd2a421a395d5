import { openLoadConnection } from '@demo/client-sim'
import { startFakeServer, watchRequests } from '@demo/testkit/fake-server'
import { waitFor } from '@demo/testkit/wait-for'
import { hexOf } from '@demo/testkit/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { LoopDelay } from '../src/engine/loop-delay.ts'
import { readJson, runLoad, startLoadgen } from './demo-loadgen.ts'

const SMALL = ['--amount', 1000, '--connections', 4, '--window', 5] as const

/** Where the engine can't be loaded: the program believes that it is on another system. */
const WITHOUT_ENGINE = {
  NODE_OPTIONS: "--import=data:text/javascript,Object.defineProperty(process,'platform',{value:'darwin'})",
}

const hasEngine = process.env['NATIVE_ENGINE'] !== 'no'

describe('--engine', () => {
  it.runIf(hasEngine).each([
    { args: [], engine: 'native' },
    { args: ['--engine', 'native'], engine: 'native' },
    { args: ['--engine', 'node'], engine: 'node' },
    { args: ['--engine', 'native', '--workers', 2], engine: 'native' },
    { args: ['--engine', 'native', '--rate', '2k'], engine: 'native' },
    { args: ['--engine', 'native', '--payload-size', '16..1024'], engine: 'native' },
  ])('moves the bytes, and the result says which one did: $args', async ({ args, engine }) => {
    const server = await startDemoServer()
    const { json, stderr } = await runLoad(server.port, [...SMALL, ...args])
    expect(stderr).not.toContain('Error')
    expect(json).toMatchObject({ requests: 1000, acks: 1000, unanswered: 0, mismatched: 0, duplicates: 0, errors: 0 })
    expect(json.options).toMatchObject({ engine })
    expect((await server.scrape()).value('req_recv_total')).toBe(1000)
  })

  it('is in the text', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, ...SMALL, '--warmup', 0, '--engine', 'node'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout).toMatch(/^load .*, engine node, to 127\.0\.0\.1:\d+$/m)
  })

  it.each([
    { args: ['--tls'], expected: '--engine native and TLS exclude each other; use --engine auto or node' },
    { args: ['--tls-insecure'], expected: '--engine native and TLS exclude each other' },
    { args: ['--token-file', 'x'], expected: '--engine native and --token-file exclude each other' },
    { args: ['search', '--slo', 'p99<1s', '--tls'], expected: '--engine native and TLS exclude each other' },
  ])('native is refused with $args', async ({ args, expected }) => {
    const program = startLoadgen([...args, '--engine', 'native'])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stdout).toBe('')
    expect(program.stderrLines).toEqual([expect.stringContaining(expected)])
  })

  it('that is unknown is refused', async () => {
    const program = startLoadgen(['--engine', 'uring'])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining('expected one of auto, native, node')])
  })

  it('native is refused where it can not be loaded, and auto is node', async () => {
    const refused = startLoadgen(['--engine', 'native'], { environment: WITHOUT_ENGINE })
    expect(await refused.exit()).toEqual({ status: 2, signal: null })
    expect(refused.stderrLines).toEqual([
      expect.stringContaining(
        "--engine native: the native engine can't be loaded: the system is darwin: expected linux; use --engine auto or node",
      ),
    ])
    const { port } = await startDemoServer()
    const args = ['--port', port, ...SMALL, '--warmup', 0, '--json', '-', '--workers', 2]
    const program = startLoadgen(args, { environment: WITHOUT_ENGINE })
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(readJson(program)).toMatchObject({ acks: 1000, options: { engine: 'node' } })
  })
})

const ENGINES = hasEngine ? (['native', 'node'] as const) : (['node'] as const)

describe.each(ENGINES)('how busy the event loop is, with the engine %s', (engine) => {
  /** A server in this thread: while it answers, the loop has always something to do. */
  async function measureFor(milliseconds: number, total: number): Promise<number> {
    const server = await startFakeServer({
      onAccept: (side) => watchRequests(side, ({ id }) => side.send(`0000000e82${hexOf(id)}00`)),
    })
    const options = { ...server.location, window: 100, payload: new Uint8Array(25), engine }
    let left = total
    const send = () => {
      const { sent } = connection
      connection.send(left)
      left -= connection.sent - sent
    }
    const connection = await openLoadConnection(options, { answered() {}, room: send, closed() {} })
    onTestFinished(() => connection.destroy())
    send()
    await waitFor(
      () => connection.acks > 0 && (total > 1000 || connection.acks === total),
      () => 'for answers',
    )
    const loop = new LoopDelay()
    onTestFinished(() => loop.close())
    loop.reset()
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    return loop.busy()
  }

  it('is all the time while there is something to read and to send', async () => {
    expect(await measureFor(300, Number.POSITIVE_INFINITY)).toBeGreaterThan(0.95)
  })

  it('is little while an open connection waits', async () => {
    expect(await measureFor(300, 100)).toBeLessThan(0.5)
  })
})
