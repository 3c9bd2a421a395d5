import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type MetricsEndpoint, serveMetrics } from './index.ts'

/** How long a test waits for a condition, in milliseconds: long, for a loaded machine. Only a failure takes so long. */
const PATIENCE = { timeout: 5000, interval: 2 }

interface Serving {
  readonly endpoint: MetricsEndpoint
  readonly registry: Registry
  readonly port: number
}

/** An endpoint with one metric. It is closed at the end of its test. */
async function serve(collect?: () => void | Promise<void>): Promise<Serving> {
  const registry = new Registry()
  new Gauge({ name: 'answer', help: 'The answer', registers: [registry], ...(collect && { collect }) }).set(42)
  const endpoint = await serveMetrics({ registry, port: 0 })
  onTestFinished(() => endpoint.close())
  return { endpoint, registry, port: endpoint.address.port }
}

const TEXT = '# HELP answer The answer\n# TYPE answer gauge\nanswer 42\n'

interface Reply {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function ask(port: number, path = '/metrics', method = 'GET', agent?: Agent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, method, ...(agent && { agent }) }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    asking.on('error', reject)
    asking.end()
  })
}

/** A socket of the test, and what it has received. */
function open(port: number): { socket: Socket; received: () => string; closed: () => boolean } {
  const socket = connect({ host: '127.0.0.1', port })
  let received = ''
  let closed = false
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  socket.on('close', () => {
    closed = true
  })
  onTestFinished(() => {
    socket.destroy()
  })
  return { socket, received: () => received, closed: () => closed }
}

describe('GET /metrics', () => {
  test('gives the metrics in the form that Prometheus reads', async () => {
    const { port } = await serve()
    const { status, headers, body } = await ask(port)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toBe(TEXT)
  })

  test('may have a query, which changes nothing', async () => {
    const { port } = await serve()
    expect(await ask(port, '/metrics?format=text&x=/y?z')).toMatchObject({ status: 200, body: TEXT })
    expect(await ask(port, '/metrics?')).toMatchObject({ status: 200, body: TEXT })
  })

  test('reads the values at each scrape', async () => {
    let scrapes = 0
    const registry = new Registry()
    new Gauge({
      name: 'scrapes',
      help: 'How often',
      registers: [registry],
      collect() {
        scrapes += 1
        this.set(scrapes)
      },
    })
    const endpoint = await serveMetrics({ registry, port: 0 })
    onTestFinished(() => endpoint.close())
    for (const count of [1, 2, 3]) {
      expect((await ask(endpoint.address.port)).body).toContain(`\nscrapes ${count}\n`)
    }
  })

  test('is answered many times at once', async () => {
    const { port } = await serve()
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(port)))
    expect(new Set(replies.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set([`200 ${TEXT}`]))
  })

  test('in the absolute form, as a proxy sends it, is the same: HTTP demands it', async () => {
    const { port } = await serve()
    expect(await ask(port, `http://127.0.0.1:${port}/metrics`)).toMatchObject({ status: 200, body: TEXT })
  })
})

test('HEAD /metrics gives the head of it', async () => {
  const { port } = await serve()
  const { status, headers, body } = await ask(port, '/metrics', 'HEAD')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(body).toBe('')
})

describe('an unknown path', () => {
  test.each([
    '/',
    '/metrics/',
    '/Metrics',
    '/metricsx',
    '/metrics/../metrics',
    '//',
    '//metrics',
    '///',
    '/%',
    '/%2e%2e',
    '/?metrics',
    '*',
    '/#/metrics',
    'http://127.0.0.1/other',
  ])('%s is 404', async (path) => {
    const { port } = await serve()
    const reply = await ask(port, path)
    expect(reply).toMatchObject({ status: 404, body: 'not found: expected /metrics, /healthz, /readyz\n' })
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
    // The endpoint goes on.
    expect(await ask(port)).toMatchObject({ status: 200 })
  })

  test('is answered also if it is not a valid URL', async () => {
    const { port } = await serve()
    for (const path of ['http://[::1/metrics', 'http://', '//[/metrics']) {
      expect((await ask(port, path)).status).toBeLessThan(500)
    }
    expect(await ask(port)).toMatchObject({ status: 200 })
  })

  test('is 404 for any method', async () => {
    const { port } = await serve()
    expect(await ask(port, '/', 'POST')).toMatchObject({ status: 404 })
    expect(await ask(port, '*', 'OPTIONS')).toMatchObject({ status: 404 })
    expect(await ask(port, '/', 'HEAD')).toMatchObject({ status: 404, body: '' })
  })
})

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])(
  '%s /metrics is 405, and says what is allowed',
  async (method) => {
    const { port } = await serve()
    const { status, headers, body } = await ask(port, '/metrics', method)
    expect(status).toBe(405)
    expect(headers.allow).toBe('GET, HEAD')
    expect(body).toBe(`invalid method ${method}: expected GET or HEAD\n`)
  },
)

describe('a collector that fails', () => {
  test.each([
    ['throws an error', new Error('no such counter'), 'no such counter'],
    ['throws anything', 'just text', 'just text'],
  ])('and %s is 500, and the next scrape is a new one', async (_how, thrown, message) => {
    let broken = true
    const { port } = await serve(() => {
      if (broken) throw thrown
    })
    const reply = await ask(port)
    expect(reply).toMatchObject({ status: 500, body: `/metrics failed: ${message}\n` })
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
    broken = false
    expect(await ask(port)).toMatchObject({ status: 200, body: TEXT })
  })

  test('and rejects is 500', async () => {
    const { port } = await serve(() => Promise.reject(new Error('later')))
    expect(await ask(port)).toMatchObject({ status: 500, body: '/metrics failed: later\n' })
  })
})

describe('the endpoint', () => {
  test('listens on 127.0.0.1 and on a free port', async () => {
    const { endpoint } = await serve()
    expect(endpoint.address.address).toBe('127.0.0.1')
    expect(endpoint.address.port).toBeGreaterThan(0)
  })

  test('listens on the given host', async () => {
    const endpoint = await serveMetrics({ registry: new Registry(), host: '0.0.0.0', port: 0 })
    onTestFinished(() => endpoint.close())
    expect(endpoint.address.address).toBe('0.0.0.0')
    expect(await ask(endpoint.address.port)).toMatchObject({ status: 200 })
  })

  test('rejects when the port is taken', async () => {
    const { port, registry } = await serve()
    await expect(serveMetrics({ registry, port })).rejects.toMatchObject({ code: 'EADDRINUSE', port })
    expect(await ask(port)).toMatchObject({ status: 200 })
  })

  test('rejects an invalid port', async () => {
    await expect(serveMetrics({ registry: new Registry(), port: 65_536 })).rejects.toBeInstanceOf(RangeError)
  })

  test('survives what is not HTTP', async () => {
    const { port } = await serve()
    const { socket, received, closed } = open(port)
    socket.write(Buffer.from('0000000d023030303030303031', 'hex'))
    await vi.waitFor(() => expect(closed()).toBe(true), PATIENCE)
    expect(received()).toMatch(/^HTTP\/1\.1 400 /)
    expect(await ask(port)).toMatchObject({ status: 200 })
  })

  test('survives a client that disconnects before the answer', async () => {
    let collecting = 0
    let finish: (() => void) | undefined
    const { port } = await serve(async () => {
      collecting += 1
      if (collecting > 1) return
      await new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    const { socket, closed } = open(port)
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    await vi.waitFor(() => expect(finish).toBeDefined(), PATIENCE)
    socket.resetAndDestroy()
    await vi.waitFor(() => expect(closed()).toBe(true), PATIENCE)
    finish?.()
    expect(await ask(port)).toMatchObject({ status: 200 })
  })

  // Node gives the listener such an error when it can't accept: too many files are open. It must not end the process.
  test('survives an error of its listener while it listens', async () => {
    const { port } = await serve()
    const servers: Server[] = []
    const started = (message: unknown) => {
      servers.push((message as { server: Server }).server)
    }
    subscribe('http.server.request.start', started)
    onTestFinished(() => {
      unsubscribe('http.server.request.start', started)
    })
    await ask(port)
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const [server] = servers
    expect(server).toBeDefined()
    expect(() => server?.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))).not.toThrow()
    expect(await ask(port)).toMatchObject({ status: 200 })
  })
})

describe('close()', () => {
  test('ends connections that are kept alive', async () => {
    const { endpoint, port } = await serve()
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const sockets: Socket[] = []
    agent.on('free', (socket: Socket) => sockets.push(socket))
    await ask(port, '/metrics', 'GET', agent)
    await vi.waitFor(() => expect(sockets).toHaveLength(1), PATIENCE)
    const [socket] = sockets
    expect(socket?.destroyed).toBe(false)
    await endpoint.close()
    await vi.waitFor(() => expect(socket?.destroyed).toBe(true), PATIENCE)
  })

  test('ends connections that have asked for nothing yet, or only half', async () => {
    const { endpoint, port } = await serve()
    const [silent, slow] = [open(port), open(port)]
    slow.socket.write('GET /metr')
    // Both are accepted before the third one is answered.
    await ask(port)
    await endpoint.close()
    await vi.waitFor(() => expect([silent.closed(), slow.closed()]).toEqual([true, true]), PATIENCE)
  })

  test('does not wait for a collector that hangs', async () => {
    let collecting = false
    let finish: (() => void) | undefined
    const { endpoint, port } = await serve(() => {
      collecting = true
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    const { socket, closed } = open(port)
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    await vi.waitFor(() => expect(collecting).toBe(true), PATIENCE)
    await endpoint.close()
    await vi.waitFor(() => expect(closed()).toBe(true), PATIENCE)
    // The answer comes after the connection is closed.
    finish?.()
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('frees the port', async () => {
    const { endpoint, port } = await serve()
    await endpoint.close()
    const refused = open(port)
    await vi.waitFor(() => expect(refused.closed()).toBe(true), PATIENCE)
    expect(refused.received()).toBe('')
  })

  test('may be called again', async () => {
    const { endpoint } = await serve()
    await Promise.all([endpoint.close(), endpoint.close()])
    await endpoint.close()
  })
})

describe('for load balancers and orchestrators', () => {
  test('/healthz is 200 while the process is alive', async () => {
    const { port } = await serve()
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await ask(port, '/healthz', 'POST')).toMatchObject({ status: 405 })
  })

  test('/healthz is 503 with the reason while there is one', async () => {
    let alive: true | string = 'nothing moves'
    const endpoint = await serveMetrics({ registry: new Registry(), port: 0, alive: () => alive })
    onTestFinished(() => endpoint.close())
    const { port } = endpoint.address
    expect(await ask(port, '/healthz')).toMatchObject({ status: 503, body: 'not alive: nothing moves\n' })
    expect(await ask(port, '/readyz')).toMatchObject({ status: 200 })
    alive = true
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
  })

  test('/readyz is 200 by default', async () => {
    const { port } = await serve()
    expect(await ask(port, '/readyz')).toMatchObject({ status: 200, body: 'ready\n' })
  })

  test('/readyz is 503 with the reason while there is one', async () => {
    let answer: true | string = 'starting'
    const endpoint = await serveMetrics({ registry: new Registry(), port: 0, ready: () => answer })
    onTestFinished(() => endpoint.close())
    const { port } = endpoint.address
    expect(await ask(port, '/readyz')).toMatchObject({ status: 503, body: 'not ready: starting\n' })
    answer = true
    expect(await ask(port, '/readyz')).toMatchObject({ status: 200 })
    expect(await ask(port, '/readyz', 'HEAD')).toMatchObject({ status: 200, body: '' })
  })

  test('/readyz is 500 when `ready` throws', async () => {
    const ready = () => {
      throw new Error('not known')
    }
    const endpoint = await serveMetrics({ registry: new Registry(), port: 0, ready })
    onTestFinished(() => endpoint.close())
    expect(await ask(endpoint.address.port, '/readyz')).toMatchObject({
      status: 500,
      body: '/readyz failed: not known\n',
    })
  })
})
