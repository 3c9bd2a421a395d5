import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@demo/testkit/ports'
import { Program } from '@demo/testkit/program'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { MAIN, readJson, runLoad, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

/** A run that is over in no time, unless it hangs; a request that is not answered is given up after 300 ms. */
const SHORT = ['--amount', 20, '--connections', 2, '--window', 5, '--timeout', '300ms'] as const

/** The same where connections that are lost stay lost: then each is lost once. */
const ONCE = [...SHORT, '--no-reconnect'] as const

const good = (id: string) => `0000000e82${id}00`

/** The one line of a program that came to nothing; checks that it is one, and nothing else was printed. */
async function complaint(program: Program, status: number): Promise<string> {
  const exit = await program.exit()
  const { stdout, stderrLines, stderr } = program
  expect({ ...exit, stdout, lines: stderrLines.length, stderr }).toMatchObject({
    status,
    signal: null,
    stdout: '',
    lines: 1,
    stderr: expect.stringMatching(/^demo-loadgen: .+\n$/),
  })
  return stderr
}

/** A port that somebody listens on who never takes a connection: the system's queue for them is soon full. */
async function deafPort(): Promise<number> {
  const script = `require('node:net')
    .createServer()
    .listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () { console.log(this.address().port) })`
  const program = new Program(process.execPath, ['--eval', script])
  const port = await program.until('it listens', () => program.stdoutLines[0])
  program.signal('SIGSTOP')
  return Number(port)
}

describe('a run fails with one line and exit status 1', () => {
  it('when nobody listens', async () => {
    const port = await freePort()
    const line = await complaint(startLoadgen(['--port', port]), 1)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toContain('ECONNREFUSED')
  })

  it('when the host has no address', async () => {
    // The name can not exist (RFC 6761), but a resolver may take its time to say so.
    const line = await complaint(startLoadgen(['--host', 'no-such-host.invalid', '--timeout', '500ms']), 1)
    expect(line).toContain('no-such-host.invalid:8888')
  })

  it('when the server takes no connection within the timeout', async () => {
    const port = await deafPort()
    const line = await complaint(startLoadgen(['--port', port, '--connections', 20, '--timeout', '300ms']), 1)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toContain('300 ms')
  })

  it.each([1, 2])('when it may have no more sockets, and says what to do, with %i workers', async (workers) => {
    const { port } = await startDemoServer()
    const args = ['--port', port, '--connections', 500, '--workers', workers]
    const program = new Program('/bin/sh', [
      '-c',
      `ulimit -n 200; exec "$0" "$@"`,
      process.execPath,
      MAIN,
      ...args.map(String),
    ])
    expect(await complaint(program, 1)).toMatch(/EMFILE.*more open files are needed than allowed: see ulimit -n$/m)
  })

  // Each write to it fails: the disk is full.
  it.skipIf(!existsSync('/dev/full'))('when the JSON can not be written, and loses nothing else', async () => {
    const { port } = await startDemoServer()
    const html = join(temporaryFolder(), 'run.html')
    const program = startLoadgen(['--port', port, '--warmup', 0, '--json', '/dev/full', '--html', html, ...SHORT])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderrLines.at(-1)).toContain('ENOSPC')
    expect(readFileSync(html, 'utf8')).toContain('</html>')
    expect(program.stderr).not.toMatch(/^ +at /m)
    expect(program.stdout, 'the result is not lost').toMatch(/^throughput/m)
  })
})

describe('a run ends within its timeout with exit status 1, and says why', () => {
  it('when the server closes every connection at once', async () => {
    const port = await startOddServer((socket) => socket.destroy())
    const { status, json, stderr } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, errors: 2 })
    expect(json.unanswered).toBe(json.requests)
    expect(stderr).toMatch(/^errors +2 connections were lost: /m)
  })

  it('when the server ends every connection at once, with a FIN', async () => {
    const port = await startOddServer((socket) => socket.end())
    const { status, json } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, errors: 2 })
  })

  it('when the server never answers', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const { status, json, stderr } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 10, acks: 0, unanswered: 10, timedOut: 10, mismatched: 0 })
    expect(stderr).toMatch(/^unanswered +10 requests/m)
  })

  it('when the server never answers, and time is what limits the run', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const { status, json } = await runLoad(port, [
      ...['--duration', '100ms', '--connections', 2, '--window', 5],
      ...['--timeout', '300ms'],
    ])
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 10, acks: 0, unanswered: 10 })
  })

  it('when the server stops to answer in the middle', async () => {
    const port = await startOddServer(answering((id, number) => (number <= 3 ? good(id) : '')))
    const { status, json } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json.acks).toBe(6)
    expect(json.unanswered).toBe(json.requests - 6)
  })

  it('when the server does not even read', async () => {
    const port = await startOddServer((socket) => socket.pause())
    const { status, json } = await runLoad(port, [
      ...['--duration', '100ms', '--connections', 1, '--window', 100_000, '--payload-size', 1000],
      ...['--timeout', '300ms'],
    ])
    expect(status).toBe(1)
    expect(json.acks).toBe(0)
    expect(json.unanswered).toBe(json.requests)
  })

  it('when the server closes in the middle', async () => {
    const port = await startOddServer((socket) => {
      let number = 0
      answering((id) => {
        number += 1
        if (number === 4) socket.end()
        return number <= 3 ? good(id) : ''
      })(socket)
    })
    const { status, json } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ errors: 2 })
    expect(json.unanswered).toBe(json.requests - json.acks)
  })

  it('when the server resets in the middle', async () => {
    const port = await startOddServer((socket) => socket.on('data', () => socket.resetAndDestroy()))
    const { status, json, stderr } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, errors: 2 })
    expect(stderr).toMatch(/^errors +2 connections were lost: .*reset/im)
  })

  it('when the server answers with IDs of nobody', async () => {
    const port = await startOddServer(answering((id) => `0000000e8239${id.slice(2)}00`))
    const { status, json, stderr } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 10, acks: 0, unanswered: 10, mismatched: 10 })
    expect(stderr).toMatch(/^mismatched +10 answers/m)
  })

  it('when the server answers with IDs that are no numbers', async () => {
    const port = await startOddServer(answering(() => '0000000e82616263646566676800'))
    const { status, json } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, mismatched: 10 })
  })

  it('when the server answers every request twice', async () => {
    const port = await startOddServer(answering((id) => good(id) + good(id)))
    const { status, json, stderr } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 20, acks: 20, unanswered: 0, mismatched: 0 })
    // Those to the last requests may come when the run is over.
    expect(json.duplicates).toBeGreaterThan(10)
    expect(stderr).toMatch(/^duplicate +\d+ answers were to requests that had been answered already$/m)
  })

  it.each([
    ['go-demo', 'specification', '81'],
    ['specification', 'go-demo', '82'],
  ])('when the server answers in the dialect %s, and what to do', async (theirs, ours, command) => {
    const port = await startOddServer(answering((id) => `0000000e${command}${id}00`))
    const { status, json, stderr } = await runLoad(port, [...ONCE, '--dialect', ours])
    expect(status).toBe(1)
    const message = `the server answers in the ${theirs} dialect; try --dialect ${theirs}`
    expect(json).toMatchObject({ acks: 0, errors: 2, errorMessages: [message] })
    expect(stderr).toContain(`errors      2 connections were lost: ${message}\n`)
  })

  it('when the server answers with a ConnAck in the middle', async () => {
    const port = await startOddServer(answering((id, number) => (number === 2 ? `0000000e81${id}00` : good(id))))
    const { status, json } = await runLoad(port, [...SHORT, '--connections', 1])
    expect(status).toBe(1)
    expect(json).toMatchObject({ mismatched: 1, unanswered: 1, timedOut: 1 })
  })

  it('when the server answers too late', async () => {
    const port = await startOddServer((socket) => {
      answering((id, number) => {
        if (number !== 1) return good(id)
        setTimeout(() => socket.write(Buffer.from(good(id), 'hex')), 300)
        return ''
      })(socket)
    })
    const { status, json, stderr } = await runLoad(port, ['--amount', 5, '--connections', 1, '--timeout', '200ms'])
    expect(status).toBe(1)
    expect(json.timedOut).toBe(1)
    expect(stderr).toMatch(/^timed out +1 requests/m)
  })

  it.each([1, 255])('when the server answers every request with result %i', async (result) => {
    const port = await startOddServer(answering((id) => `0000000e82${id}${result.toString(16).padStart(2, '0')}`))
    const { status, json, stderr } = await runLoad(port, SHORT)
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 20, acks: 20, failedAcks: 20, unanswered: 0, mismatched: 0, errors: 0 })
    expect(stderr).toMatch(/^failed +20 requests/m)
  })

  it('when the server answers one request in twenty with a failure', async () => {
    const port = await startOddServer(answering((id, number) => (number === 5 ? `0000000e82${id}01` : good(id))))
    const { status, json } = await runLoad(port, ['--amount', 20, '--connections', 1])
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 20, failedAcks: 1 })
  })

  it.each([
    { name: 'a frame that is too short', bytes: '00000003', told: /3 bytes/ },
    { name: 'a frame that is too long', bytes: '7fffffff', told: /2147483647 bytes/ },
    { name: 'an empty packet', bytes: '00000004', told: /empty/ },
    { name: 'an unknown command', bytes: '0000000d7f3030303030303031', told: /0x7f/ },
    { name: 'a request', bytes: '0000000d023030303030303031', told: /request/ },
    { name: 'a SubmitAck of 9 bytes', bytes: '0000000d823030303030303031', told: /SubmitAck of 9 bytes/ },
    {
      name: 'HTTP',
      bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'),
      told: /seems to speak HTTP/,
    },
  ])('when the server breaks the protocol: $name', async ({ bytes, told }) => {
    const port = await startOddServer(answering((_id, number) => (number === 1 ? bytes : '')))
    const { status, json, stderr } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, errors: 2 })
    expect(json.errorMessages).toEqual([expect.stringMatching(told)])
    expect(stderr).toMatch(/^errors +2 connections were lost: the server broke the protocol: /m)
  })

  it('when the server ends inside a frame', async () => {
    const port = await startOddServer((socket) => {
      socket.resume().end(Buffer.from('0000000e8230', 'hex'))
    })
    const { status, json } = await runLoad(port, ONCE)
    expect(status).toBe(1)
    expect(json).toMatchObject({ acks: 0, errors: 2, errorMessages: [expect.stringMatching(/ended inside a frame/)] })
  })

  it('when one connection is lost while others are still being made', async () => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      if (connections === 1) socket.resume().end()
      else answering(good)(socket)
    })
    // So many that the first is gone before anything is sent.
    const { status, json, stderr } = await runLoad(port, ['--amount', 2000, '--connections', 1000, '--window', 2])
    expect(json.errors).toBe(1)
    expect(json.requests).toBe(json.acks + json.unanswered)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^errors +1 connection/m)
  })

  it('when the server takes fewer connections than are wanted', async () => {
    const { port } = await startDemoServer(['--max-connections', '2'])
    const { status, json } = await runLoad(port, [
      '--connections',
      5,
      '--duration',
      '200ms',
      '--window',
      10,
      '--no-reconnect',
    ])
    expect(status).toBe(1)
    expect(json.errors).toBe(3)
    expect(json.acks).toBeGreaterThan(0)
  })

  it('when the server is killed in the middle, and never comes back: at its time', async () => {
    const server = await startDemoServer()
    const load = ['--warmup', 0, '--duration', '3s', '--connections', 3]
    const program = startLoadgen(['--port', server.port, ...load, '--json', '-'])
    await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 1000)
    server.program.signal('SIGKILL')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const json = readJson(program)
    expect(json.errors).toBe(3)
    expect(json.requests).toBe(json.acks + json.unanswered)
    expect(json.lost).toBe(json.unanswered)
    expect(json.errorMessages).toContainEqual(expect.stringContaining('ECONNREFUSED'))
    expect(json.durationSeconds).toBeGreaterThan(2.99)
    expect(json.durationSeconds).toBeLessThan(4)
    // One outage of all connections, until the end.
    expect(json.outages).toMatchObject([{ connections: 3 }])
    const [{ atSeconds, seconds }] = json.outages
    expect(atSeconds + seconds).toBeCloseTo(json.durationSeconds, 1)
    expect(json.outageSeconds).toBe(seconds)
    expect(json.slices.at(-1)).toMatchObject({ connectionsDown: 3 })
  })

  it('or at once at a second SIGINT', async () => {
    const port = await startOddServer((socket) => socket.resume())
    const program = startLoadgen(['--port', port, '--warmup', 0, '--connections', 1, '--timeout', '10m'])
    await program.until('it runs', () => (/^load: /m.test(program.stderr) ? true : undefined))
    program.signal('SIGINT')
    await program.until('it drains', () => (/^drain: /m.test(program.stderr) ? true : undefined))
    program.signal('SIGINT')
    expect(await program.exit()).toEqual({ status: 1, signal: null })
  })
})

describe('a server that drains under load', () => {
  it('leaves no request without an answer that it had counted', async () => {
    const server = await startDemoServer()
    const load = ['--warmup', 0, '--duration', '2s', '--connections', 5, '--no-reconnect']
    const program = startLoadgen(['--port', server.port, ...load, '--json', '-'])
    await server.untilScraped('load', (metrics) => metrics.value('req_recv_total') > 10_000)
    server.program.signal('SIGTERM')
    await program.exit()
    expect(await server.program.exit()).toEqual({ status: 0, signal: null })
    const received = server.logged('connection closed').reduce((sum, line) => sum + Number(line['requests']), 0)
    expect(readJson(program)).toMatchObject({ acks: received, mismatched: 0, failedAcks: 0 })
  })
})

describe('a flag that can not be', () => {
  it.each([
    { args: ['--no-such-flag'], named: ['--no-such-flag'] },
    { args: ['simulat'], named: ['simulat'] },
    { args: ['run', 'twice'], named: ['argument'] },
    { args: ['--port', 'http'], named: ['--port', 'http'] },
    { args: ['--connections', '0'], named: ['--connections', 'above 0'] },
    { args: ['--connections', 'many'], named: ['--connections', 'many'] },
    { args: ['--window', '0'], named: ['--window'] },
    { args: ['--window', '1000001'], named: ['window', '1000000'] },
    { args: ['--rate', '0'], named: ['--rate', '200k'] },
    { args: ['--rate', 'fast'], named: ['--rate', 'fast'] },
    { args: ['--arrival', 'random'], named: ['--arrival', 'poisson'] },
    { args: ['--workers', '3', '--connections', '2'], named: ['3 workers', '2 connections'] },
    { args: ['--target', 'here'], named: ['--target', '127.0.0.1:8888'] },
    { args: ['--payload-size', '9..3'], named: ['--payload-size', '9 is above 3'] },
    { args: ['--payload-file', '/dev/null'], named: ['/dev/null', 'empty'] },
    { args: ['--token-file', '/dev/null'], named: ['/dev/null', 'empty'] },
    { args: ['--tls-cert', 'cert.pem'], named: ['--tls-key'] },
    { args: ['--metrics-port', 'x'], named: ['--metrics-port'] },
    { args: ['--amount', '-1'], named: ['--amount', '-1'] },
    { args: ['--amount', '0'], named: ['--amount'] },
    { args: ['--duration', '10'], named: ['--duration', '10s'] },
    { args: ['--payload-size', '-1'], named: ['--payload-size'] },
    { args: ['--payload-size', '99999999999'], named: ['--payload-size'] },
    { args: ['--dialect', 'java'], named: ['--dialect', 'go-demo'] },
    { args: ['--json', ''], named: ['--json'] },
    { args: ['--json', '/no/such/folder/run.json'], named: ['/no/such/folder/run.json', 'ENOENT'] },
    { args: ['--hgrm', '/no/such/folder/run.hgrm'], named: ['/no/such/folder/run.hgrm', 'ENOENT'] },
    { args: ['--html', '/'], named: ["can't write /: it is a folder"] },
    { args: ['--html', '-'], named: ['--html', 'standard output'] },
    { args: ['simulate', '--clients', '0'], named: ['--clients'] },
    { args: ['simulate', '--amount', '5'], named: ['--amount'] },
  ])('is one line that names it, and exit status 2: $args', async ({ args, named }) => {
    const line = await complaint(startLoadgen(args), 2)
    for (const text of named) expect(line).toContain(text)
  })

  it('is one line that names the variable, and exit status 2, in the environment too', async () => {
    const line = await complaint(startLoadgen([], { environment: { DEMO_LOADGEN_WINDOW: 'wide' } }), 2)
    expect(line).toContain('DEMO_LOADGEN_WINDOW')
  })
})
