import { freePort, takePort } from '@demo/testkit/ports'
import { id, submit, submitAck } from '@demo/testkit/wire'
import { describe, expect, it } from 'vitest'
import { complaint } from './complaint.ts'
import { connectable, startDemoServer, startDemoServerProgram } from './demo-server.ts'

const GO_DEMO_ACK = `0000000e81${id(1)}00`

describe('a flag that can not be', () => {
  it.each([
    { args: ['--no-such-flag'], named: ['--no-such-flag'] },
    { args: ['--prot', '9999'], named: ['--prot', '--port'] },
    { args: ['8888'], named: ['argument'] },
    { args: ['--port'], named: ['--port'] },
    { args: ['--port', 'http'], named: ['--port', 'http', '65535'] },
    { args: ['--port', '-1'], named: ['--port', '-1'] },
    { args: ['--port', '65536'], named: ['--port', '65536', '65535'] },
    { args: ['--port', '88.5'], named: ['--port', '88.5'] },
    { args: ['--port='], named: ['--port'] },
    { args: ['--metrics-port', '1e3'], named: ['--metrics-port', '1e3'] },
    { args: ['--host', ''], named: ['--host'] },
    { args: ['--engine', 'uring'], named: ['--engine', 'uring', 'auto, native, node'] },
    { args: ['--dialect', 'java'], named: ['--dialect', 'java', 'specification, go-demo'] },
    { args: ['--log-level', 'loud'], named: ['--log-level', 'loud', 'debug'] },
    { args: ['--log-format', 'xml'], named: ['--log-format', 'xml', 'json', 'pretty'] },
    { args: ['--idle-timeout', '5'], named: ['--idle-timeout', '5', '10s'] },
    { args: ['--idle-timeout', '-5s'], named: ['--idle-timeout', '-5s'] },
    { args: ['--idle-timeout', '5 s'], named: ['--idle-timeout', '5 s'] },
    { args: ['--idle-timeout', '5d'], named: ['--idle-timeout', '5d'] },
    { args: ['--max-frame-length', '1MB'], named: ['--max-frame-length', '1MB', '1MiB'] },
    { args: ['--max-frame-length', '1.5MiB'], named: ['--max-frame-length', '1.5MiB'] },
    { args: ['--max-connections', 'many'], named: ['--max-connections', 'many'] },
    { args: ['--max-connections', '-1'], named: ['--max-connections', '-1'] },
  ])('is one line that names it, and exit status 2: $args', async ({ args, named }) => {
    const line = await complaint(startDemoServerProgram(['--port', '0', '--metrics-port', '0', ...args]), 2)
    for (const text of named) expect(line).toContain(text)
  })
})

describe('a value that the library does not take', () => {
  it.each([
    { args: ['--max-frame-length', '12'], named: ['--max-frame-length', '12', 'from 13'] },
    { args: ['--max-frame-length', '5GiB'], named: ['--max-frame-length', '4294967295'] },
    { args: ['--max-write-buffer', '1023'], named: ['--max-write-buffer', '1023', 'from 1024'] },
    { args: ['--max-connections', '3000000000'], named: ['--max-connections', '3000000000'] },
    { args: ['--max-in-flight', '99999999999999999999'], named: ['--max-in-flight'] },
    { args: ['--idle-timeout', '600h'], named: ['--idle-timeout', '600h'] },
    { args: ['--linger-timeout', '600h'], named: ['--linger-timeout', '600h'] },
    // A timer of Node can wait 24.8 days. A longer one fires at once, and would cut off all requests in flight.
    { args: ['--drain-timeout', '600h'], named: ['--drain-timeout', '600h'] },
    // Rounded down to 0, it would switch the limit off.
    { args: ['--idle-timeout', '0.1ms'], named: ['--idle-timeout', '0.1ms'] },
  ])('is one line that names the flag and the value as they were typed, and exit status 2: $args', async (row) => {
    const line = await complaint(startDemoServerProgram(['--port', '0', '--metrics-port', '0', ...row.args]), 2)
    for (const text of row.named) expect(line).toContain(text)
  })
})

describe('an environment variable that can not be', () => {
  it.each([
    { environment: { DEMO_SERVER_PORT: 'http' }, named: ['DEMO_SERVER_PORT', 'http'] },
    { environment: { DEMO_SERVER_IDLE_TIMEOUT: '5' }, named: ['DEMO_SERVER_IDLE_TIMEOUT', '10s'] },
    { environment: { DEMO_SERVER_MAX_FRAME_LENGTH: '1MB' }, named: ['DEMO_SERVER_MAX_FRAME_LENGTH', '1MiB'] },
    { environment: { DEMO_SERVER_DIALECT: 'java' }, named: ['DEMO_SERVER_DIALECT', 'java'] },
    { environment: { DEMO_SERVER_WORKER: '4' }, named: ['DEMO_SERVER_WORKER;', 'did you mean DEMO_SERVER_WORKERS?'] },
    { environment: { DEMO_SERVER_MAX_CONECTIONS: '5' }, named: ['_MAX_CONECTIONS', 'DEMO_SERVER_MAX_CONNECTIONS'] },
    { environment: { DEMO_SERVER_LOG_LEVEL: '' }, named: ['DEMO_SERVER_LOG_LEVEL'] },
  ])('is one line that names it, and exit status 2: $environment', async ({ environment, named }) => {
    const line = await complaint(startDemoServerProgram(['--metrics-port', '0'], { environment }), 2)
    for (const text of named) expect(line).toContain(text)
  })
})

describe('an address that can not be had', () => {
  it('is one line that names the port and the flag, and exit status 3: the port is taken', async () => {
    const port = await takePort()
    const line = await complaint(startDemoServerProgram(['--port', `${port}`, '--metrics-port', '0']), 3)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toContain('--port')
  })

  it('is one line that names the port and the flag, and exit status 3: the port of the metrics is taken', async () => {
    const port = await takePort()
    const line = await complaint(startDemoServerProgram(['--port', '0', '--metrics-port', `${port}`]), 3)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toContain('--metrics-port')
  })

  it('is one line, and exit status 3: both ports are the same', async () => {
    const port = await freePort()
    const line = await complaint(startDemoServerProgram(['--port', `${port}`, '--metrics-port', `${port}`]), 3)
    expect(line).toContain(`127.0.0.1:${port}: it is taken`)
  })

  it('is one line, and exit status 3: the address is not ours', async () => {
    // 203.0.113.0/24 is reserved for documentation (RFC 5737).
    const line = await complaint(startDemoServerProgram(['--host', '203.0.113.1', '--metrics-port', '0']), 3)
    expect(line).toContain('203.0.113.1:8888')
  })
})

describe('the environment', () => {
  it('beats the defaults', async () => {
    const port = await freePort()
    const environment = { DEMO_SERVER_PORT: `${port}`, DEMO_SERVER_METRICS_PORT: '0', DEMO_SERVER_DIALECT: 'go-demo' }
    const program = startDemoServerProgram([], { environment })
    await program.until('it listens', () => (program.stderr.includes(`"port":${port}`) ? true : undefined))
  })

  it('is used for flags that are not given', async () => {
    const server = await startDemoServer([], { environment: { DEMO_SERVER_DIALECT: 'go-demo' } })
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(GO_DEMO_ACK)
  })

  it('may have the variables that Kubernetes sets for a Service named demo-server, also for workers', async () => {
    const environment = {
      DEMO_SERVER_DIALECT: 'go-demo',
      DEMO_SERVER_WORKERS: '2',
      DEMO_SERVER_SERVICE_HOST: '10.0.0.11',
      DEMO_SERVER_PORT: 'tcp://10.0.0.11:8888',
      DEMO_SERVER_PORT_8888_TCP: 'tcp://10.0.0.11:8888',
    }
    const server = await startDemoServer([], { environment })
    expect(server.logged('listening')).toMatchObject([{ workers: 2 }])
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(GO_DEMO_ACK)
  })

  it('is beaten by a flag', async () => {
    const environment = { DEMO_SERVER_DIALECT: 'go-demo', DEMO_SERVER_PORT: '1' }
    const server = await startDemoServer(['--dialect', 'specification'], { environment })
    const peer = await server.connect()
    peer.send(submit(1))
    expect(await peer.receive(14)).toBe(submitAck(1))
  })
})

describe('the log', () => {
  it('is written for people with --log-format pretty, without colours where there is no terminal', async () => {
    const program = startDemoServerProgram(['--port', '0', '--metrics-port', '0', '--log-format', 'pretty'])
    await program.until('it listens', () => (/metricsPort: \d+\n/.test(program.stderr) ? true : undefined))
    expect(program.stderr).toMatch(/INFO.*listening/)
    expect(program.stderr).toMatch(/address: "127\.0\.0\.1"/)
    expect(program.stderr).not.toContain('\x1b')
    expect(program.stderr).not.toContain('{')
    expect(program.stdout).toBe('')
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stderr).toMatch(/INFO.*stopped/)
  })

  it('logs every opened connection with --log-level debug', async () => {
    const server = await startDemoServer(['--log-level', 'debug'])
    const peer = await server.connect()
    const [opened] = await server.untilLogged('connection opened')
    expect(opened).toMatchObject({ level: 20, remoteAddress: '127.0.0.1' })
    peer.end()
    const [closed] = await server.untilLogged('connection closed')
    expect(closed).toMatchObject({ session: opened?.['session'] })
  })

  it('logs only what needs attention with --log-level warn', async () => {
    const port = await freePort()
    const program = startDemoServerProgram(['--port', `${port}`, '--metrics-port', '0', '--log-level', 'warn'])
    const server = await connectable(program, port)
    const good = await server.connect()
    good.end(submit(1))
    await good.receiveAll()
    const bad = await server.connect()
    bad.send('00000000')
    await bad.receiveAll()
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(server.log).toMatchObject([{ level: 40, msg: 'connection closed', reason: 'frame-error' }])
  })

  it('is nothing at all with --log-level silent', async () => {
    const port = await freePort()
    const program = startDemoServerProgram(['--port', `${port}`, '--metrics-port', '0', '--log-level', 'silent'])
    const server = await connectable(program, port)
    const peer = await server.connect()
    peer.send('00000000')
    await peer.receiveAll()
    program.signal('SIGTERM')
    expect(await program.exit()).toEqual({ status: 0, signal: null })
    expect(program.stdout + program.stderr).toBe('')
  })
})
