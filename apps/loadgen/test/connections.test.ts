import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { temporaryFolder } from '@demo/testkit/temporary-folder'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { runLoad, startLoadgen } from './demo-loadgen.ts'
import { answering, startOddServer } from './odd-server.ts'

const good = (id: string) => `0000000e82${id}00`
const FEW = ['--amount', 100, '--connections', 4, '--window', 5] as const

describe('--workers', () => {
  it('share connections, requests and results', async () => {
    const server = await startDemoServer()
    const { status, json } = await runLoad(server.port, ['--workers', 2, '--connections', 5, '--amount', 1001])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 1001, acks: 1001, unanswered: 0, errors: 0, generator: { workers: 2 } })
    expect(json.generator.busyPercent).toHaveLength(2)
    expect(json.slices.reduce((sum, { acks }) => sum + acks, 0)).toBe(1001)
    const metrics = await server.scrape()
    expect(metrics.value('connections_opened_total')).toBe(5)
    expect(metrics.value('req_recv_total')).toBe(1001)
  })

  it('share a schedule', async () => {
    const { port } = await startDemoServer()
    const { json } = await runLoad(port, ['--workers', 2, '--connections', 4, '--rate', '1k', '--duration', '500ms'])
    expect(json).toMatchObject({ requests: 500, acks: 500 })
  })

  it('tell in one line why they can not connect', async () => {
    const program = startLoadgen(['--path', '/no/such/socket', '--workers', 2, '--connections', 2])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderrLines).toEqual([expect.stringMatching(/can't connect to \/no\/such\/socket: .*ENOENT/)])
  })
})

describe('--reconnect-every', () => {
  it.each([
    { name: 'the closed model', args: ['--amount', 100, '--window', 3] },
    { name: 'the open model', args: ['--amount', 100, '--rate', '2k'] },
  ])('makes each connection anew after so many requests, and loses none: $name', async ({ args }) => {
    const server = await startDemoServer()
    const { status, json } = await runLoad(server.port, ['--reconnect-every', 10, '--connections', 2, ...args])
    expect([0, 3]).toContain(status)
    expect(json).toMatchObject({ requests: 100, acks: 100, unanswered: 0, errors: 0 })
    // Ten connections are needed, and none is made for nothing.
    expect(json.reconnects).toBe(8)
    expect((await server.scrape()).value('connections_opened_total')).toBe(2 + json.reconnects)
  })

  it('makes no more connections than are needed, however the last requests fall', async () => {
    for (const [connections, amount] of [
      [5, 103],
      [7, 71],
      [3, 10],
    ]) {
      const server = await startDemoServer()
      const shape = ['--reconnect-every', 10, '--connections', connections, '--amount', amount, '--window', 1]
      const { status, json } = await runLoad(server.port, shape)
      expect(status).toBe(0)
      expect(json).toMatchObject({ requests: amount, acks: amount })
      expect((await server.scrape()).value('connections_opened_total')).toBe(connections + json.reconnects)
    }
  })

  it.each([[], ['--rate', '2k']])('makes one anew after all when another is lost: %j', async (...args) => {
    let connections = 0
    const port = await startOddServer((socket) => {
      connections += 1
      const lost = connections === 2
      answering((id, number) => {
        if (lost && number === 3) socket.resetAndDestroy()
        return good(id)
      })(socket)
    })
    // Two connections are enough for 20 requests, unless one of them goes.
    const shape = ['--reconnect-every', 10, '--connections', 2, '--window', 1, '--amount', 20, '--no-reconnect']
    const { status, json } = await runLoad(port, [...shape, ...args])
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 20, errors: 1 })
    expect(json.acks).toBeGreaterThanOrEqual(17)
    expect(json.reconnects).toBeGreaterThanOrEqual(1)
  })
})

describe('answers that nobody waits for', () => {
  it('count though they come when their connection is being ended already', async () => {
    const port = await startOddServer(
      (socket) => {
        let answers = ''
        answering((id) => {
          answers += good(id)
          return good(id)
        })(socket)
        // Each answer comes a second time, when we have ended our side.
        socket.on('end', () => setTimeout(() => socket.end(Buffer.from(answers, 'hex')), 100))
      },
      { allowHalfOpen: true },
    )
    const { status, json } = await runLoad(port, ['--reconnect-every', 10, '--connections', 1, '--amount', 25])
    expect(status).toBe(1)
    expect(json).toMatchObject({ requests: 25, acks: 25, duplicates: 20 })
  })
})

describe('--connect-rate', () => {
  it('opens connections one after the other', async () => {
    const opened: number[] = []
    const port = await startOddServer((socket) => {
      opened.push(performance.now())
      answering(good)(socket)
    })
    const { status } = await runLoad(port, ['--connect-rate', 50, '--amount', 10, '--connections', 10])
    expect(status).toBe(0)
    // Nine distances of 20 ms; a timer is never early by more than one.
    expect(opened[9] - opened[0]).toBeGreaterThan(9 * 19)
  })
})

describe('--target', () => {
  it('sends connections to several servers in turn', async () => {
    const servers = [await startDemoServer(), await startDemoServer()]
    const targets = servers.flatMap(({ port }) => ['--target', `127.0.0.1:${port}`])
    const { status, json } = await runLoad(undefined, [...targets, ...FEW])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 100, acks: 100 })
    const opened = await Promise.all(servers.map(async (one) => (await one.scrape()).value('connections_opened_total')))
    expect(opened).toEqual([2, 2])
  })
})

describe('figures for each target', () => {
  it.each([1, 2])('add up to those of the run, and tell which one is slow, with %i workers', async (workers) => {
    const slow = await startOddServer((socket) => {
      answering((id) => {
        setTimeout(() => socket.write(Buffer.from(good(id), 'hex')), 50)
        return ''
      })(socket)
    })
    const { port: fast } = await startDemoServer()
    const targets = [fast, slow].flatMap((port) => ['--target', `127.0.0.1:${port}`])
    const shape = ['--amount', 200, '--connections', 4, '--window', 5, '--workers', workers]
    const { status, json } = await runLoad(undefined, [...targets, ...shape])
    expect(status).toBe(0)
    expect(json.targets.map(({ target, connections }) => [target, connections])).toEqual([
      [`127.0.0.1:${fast}`, 2],
      [`127.0.0.1:${slow}`, 2],
    ])
    const [first, second] = json.targets
    expect(first.acks + second.acks).toBe(200)
    expect(first.requests + second.requests).toBe(200)
    expect(second.latencyMs.min).toBeGreaterThan(48)
    expect(first.latencyMs.p50).toBeLessThan(48)
  })

  it('tell which one was lost', async () => {
    const { port: well } = await startDemoServer()
    const ill = await startOddServer((socket) => socket.on('data', () => socket.destroy()))
    const targets = [well, ill].flatMap((port) => ['--target', `127.0.0.1:${port}`])
    const shape = ['--rate', 500, '--duration', '500ms', '--connections', 2, '--no-reconnect']
    const { json } = await runLoad(undefined, [...targets, ...shape])
    expect(json.targets).toMatchObject([
      { errors: 0, unanswered: 0 },
      { errors: 1, acks: 0, unanswered: json.unanswered },
    ])
    expect(json.unanswered).toBeGreaterThan(0)
  })

  it('are none where there is one', async () => {
    const { port } = await startDemoServer()
    expect((await runLoad(port, [...FEW])).json.targets).toEqual([])
  })
})

describe('--path', () => {
  it('is a Unix socket, and so is a target', async () => {
    const path = join(temporaryFolder(), 'socket')
    await listen(createServer(answering(good)), path)
    for (const where of [
      ['--path', path],
      ['--target', `unix:${path}`],
    ]) {
      const { status, json } = await runLoad(undefined, [...where, ...FEW])
      expect({ status, acks: json.acks }).toEqual({ status: 0, acks: 100 })
    }
  })
})

describe('--token-file', () => {
  const guard = (result: string) =>
    startOddServer(answering((id, number) => (number === 1 ? `0000000e81${id}${result}` : good(id))))

  it('lets each connection in', async () => {
    const { status, json } = await runLoad(await guard('00'), ['--token-file', tokenFile(), ...FEW])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 100, acks: 100, mismatched: 0 })
    expect(JSON.stringify(json), 'it is told to nobody').not.toContain('a-secret')
  })

  it('fails with one line when it is refused', async () => {
    const program = startLoadgen(['--port', await guard('01'), '--token-file', tokenFile(), ...FEW])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderr).toBe('demo-loadgen: the server refused the credentials; see --token-file\n')
  })

  it('says which dialect to try when the answer is of the other one', async () => {
    const program = startLoadgen([
      ...['--port', await guard('00'), '--token-file', tokenFile(), '--dialect', 'go-demo', ...FEW],
    ])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    const told = 'the server answers in the specification dialect; try --dialect specification'
    expect(program.stderr).toBe(`demo-loadgen: ${told}\n`)
  })

  it('fails with one line when it is not there', async () => {
    const program = startLoadgen(['--token-file', '/no/such/file', ...FEW])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining('/no/such/file')])
  })

  function tokenFile(): string {
    const file = join(temporaryFolder(), 'token')
    writeFileSync(file, 'a-secret\n')
    return file
  }
})

const HAS_OPENSSL = runs('openssl', ['version'])

describe.skipIf(!HAS_OPENSSL)('TLS (openssl makes its certificates)', () => {
  it('is spoken when the certificate is trusted', async () => {
    const { port, cert } = await startTlsServer()
    const { status, json } = await runLoad(port, ['--tls-ca', cert, '--tls-servername', 'localhost', ...FEW])
    expect(status).toBe(0)
    expect(json).toMatchObject({ requests: 100, acks: 100 })
    expect((await runLoad(port, ['--tls-insecure', ...FEW])).status).toBe(0)
  })

  it.each([
    { name: 'is not trusted', args: ['--tls'], told: /self-signed, and not trusted$/ },
    { name: 'is for another name', args: ['--tls-servername', 'example.org'], told: /does not match/ },
  ])('fails with one line when the certificate $name', async ({ name, args, told }) => {
    const { port, cert } = await startTlsServer()
    const ca = name === 'is not trusted' ? [] : ['--tls-ca', cert]
    const program = startLoadgen(['--port', port, ...args, ...ca, ...FEW])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderrLines).toHaveLength(1)
    expect(program.stderrLines[0].replace(/[^\w-]*$/, '')).toMatch(told)
  })

  it.each([
    { flag: '--tls-ca', file: 'key.pem', told: 'there is no certificate in it; expected PEM' },
    { flag: '--tls-ca', file: 'broken.pem', told: "a certificate in it can't be read" },
    { flag: '--tls-cert', file: 'key.pem', told: 'there is no certificate in it' },
    { flag: '--tls-key', file: 'cert.pem', told: 'cert.pem' },
  ])('refuses a file that is not what it must be, before it connects: $flag $file', async ({ flag, file, told }) => {
    const { port, cert } = await startTlsServer()
    const folder = dirname(cert)
    writeFileSync(join(folder, 'broken.pem'), readFileSync(cert, 'utf8').replace(/^M.{20}/m, 'MMMMMMMMMMMMMMMMMMMMM'))
    const files = { '--tls-cert': 'cert.pem', '--tls-key': 'key.pem', [flag]: file }
    const args = Object.entries(files).flatMap(([name, one]) => [name, join(folder, one)])
    const program = startLoadgen(['--port', port, ...args, ...FEW])
    expect(await program.exit()).toEqual({ status: 2, signal: null })
    expect(program.stderrLines).toEqual([expect.stringContaining(`invalid ${flag} '${join(folder, file)}': `)])
    expect(program.stderr).toContain(told)
  })

  it('fails with one line when the server does not speak it', async () => {
    const { port } = await startDemoServer()
    const program = startLoadgen(['--port', port, '--tls', ...FEW])
    expect(await program.exit()).toEqual({ status: 1, signal: null })
    expect(program.stderrLines).toEqual([expect.stringMatching(/can't connect to .*: .*TLS/)])
  })

  it('is what the server wants: a run without it says so', async () => {
    const { port } = await startTlsServer()
    const { status, json } = await runLoad(port, ['--timeout', '500ms', '--no-reconnect', ...FEW])
    expect(status).toBe(1)
    expect(json.errors).toBe(4)
    expect(json.errorMessages.join()).toMatch(
      /seems to speak TLS; try --tls|the server ended the connection|connection was lost/,
    )
  })

  async function startTlsServer(): Promise<{ port: number; cert: string }> {
    const folder = temporaryFolder()
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '1']
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    execFileSync('openssl', [...make, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, answering(good))
    server.on('tlsClientError', () => {})
    const port = await listen(server)
    return { port, cert }
  }
})

/** Listens on a path, or on a free port. @returns the port */
async function listen(server: Server, path?: string): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) =>
    server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path }, resolve),
  )
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function runs(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
