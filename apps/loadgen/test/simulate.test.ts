import { freePort } from '@demo/testkit/ports'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

/** The lines of the client of the Go series; a payload is a few words. */
const DIAL = /^\[client \d+\]: dial ok$/
const SEND = /^\[client \d+\]: send submit id = (\d{8}), payload=(\S+), frame length = (\d+)$/
const RESULT = /^\[client \d+\]: the result of submit ack\[(\d{8})\] is 0$/
const EXIT = /^\[client \d+\]: exit ok$/

describe('demo-loadgen simulate', () => {
  it('has 5 clients submit 10 times each, in the lines of the original', async () => {
    const server = await startDemoServer()
    const program = startLoadgen(['simulate', '--port', server.port, '--interval', '5ms'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toBe('')
    const ids = Array.from({ length: 10 }, (_, i) => String(i + 1).padStart(8, '0'))
    for (const client of [1, 2, 3, 4, 5]) {
      const lines = program.stdoutLines.filter((line) => line.startsWith(`[client ${client}]: `))
      const sends = lines.filter((line) => SEND.test(line))
      const results = lines.filter((line) => RESULT.test(line))
      expect(sends.map((line) => SEND.exec(line)?.[1])).toEqual(ids)
      expect(results.map((line) => RESULT.exec(line)?.[1])).toEqual(ids)
      for (const line of sends) {
        const [, , payload = '', length] = SEND.exec(line) ?? []
        expect(Number(length), 'the whole frame: header, command, ID, payload').toBe(4 + 1 + 8 + payload.length)
      }
      for (const id of ids) {
        const sent = lines.findIndex((line) => line.includes(`id = ${id}`))
        expect(lines.findIndex((line) => line.includes(`ack[${id}]`))).toBeGreaterThan(sent)
      }
      expect(lines.at(-1)).toMatch(EXIT)
    }
    const metrics = await server.scrape()
    expect(metrics.value('connections_opened_total')).toBe(5)
    expect(metrics.value('req_recv_total')).toBe(50)
  })

  it('prints no line that the original does not, and all that it does', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['simulate', '--port', port, '--clients', 1, '--submits', 2, '--interval', '50ms'])
    await program.exit()
    expect(program.stdoutLines).toEqual([
      expect.stringMatching(DIAL),
      expect.stringMatching(SEND),
      expect.stringMatching(RESULT),
      expect.stringMatching(SEND),
      expect.stringMatching(RESULT),
      expect.stringMatching(EXIT),
    ])
  })

  it('says nothing on standard error, however many clients there are', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['simulate', '--port', port, '--clients', 50, '--submits', 4, '--interval', 0])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toBe('')
    expect(program.stdoutLines.filter((line) => RESULT.test(line))).toHaveLength(200)
  })

  it('submits with the interval between two submits of one client', async () => {
    const { port } = await startDemoServer()
    const startedAt = performance.now()
    const program = startLoadgen(['simulate', '--port', port, '--clients', 2, '--submits', 4, '--interval', '100ms'])
    await program.exit()
    expect(performance.now() - startedAt).toBeGreaterThan(3 * 100)
  })

  it('speaks the dialect of the Go demo', async () => {
    const { port } = await startDemoServer(['--dialect', 'go-demo'])
    const program = startLoadgen(['simulate', '--port', port, '--interval', '1ms', '--dialect', 'go-demo'])
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdoutLines.filter((line) => RESULT.test(line))).toHaveLength(50)
  })

  it('says for each client that it can not connect, and ends with exit status 1', async () => {
    const port = await freePort()
    const program = startLoadgen(['simulate', '--port', port, '--clients', 2])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdoutLines.toSorted()).toEqual(
      [1, 2].map((client) =>
        expect.stringContaining(`[client ${client}]: exit with error: can't connect to 127.0.0.1:${port}`),
      ),
    )
    expect(program.stdout + program.stderr).not.toMatch(/^ +at /m)
  })

  it('says what a request was answered with, and ends with exit status 1 when it was not 0', async () => {
    const port = await startOddServer(answering((id) => `0000000e82${id}01`))
    const program = startLoadgen(['simulate', '--port', port, '--clients', 1, '--submits', 2, '--interval', '1ms'])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stdout).toContain('[client 1]: the result of submit ack[00000001] is 1\n')
  })

  it('gives up a server that never answers, nor ends the connection, and ends with exit status 1', async () => {
    const port = await startOddServer((socket) => socket.resume(), { allowHalfOpen: true })
    const program = startLoadgen(['simulate', '--port', port, '--clients', 2, '--submits', 1])
    // A request is waited for for 5 seconds, and there is no flag to make that less.
    expect(await program.exit(15_000)).toEqual({ status: 1, signal: null })
    expect(program.stdout.match(/: exit with error: no answer came within \d+ ms$/gm)).toHaveLength(2)
  })

  it('ends early at SIGINT', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['simulate', '--port', port, '--clients', 2, '--interval', '10m'])
    await program.until('both have submitted', () => (program.stdout.match(/result/g)?.length === 2 ? true : undefined))
    program.signal('SIGINT')
    await program.exit()
    expect(program.stdout.match(/: exit /g)).toHaveLength(2)
    expect(program.stdout + program.stderr).not.toMatch(/^ +at /m)
  })

  it('ends well when nobody reads its lines any more', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['simulate', '--port', port, '--interval', '20ms'])
    await program.until('a line', () => (program.stdout === '' ? undefined : true))
    program.breakPipe('stdout')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toBe('')
  })
})
