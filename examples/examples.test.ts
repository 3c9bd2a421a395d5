import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** A running example and what it has printed. */
interface Example {
  readonly child: ChildProcessWithoutNullStreams
  output(): string
  /** Waits until the example prints a match. @throws with its output if it ends before */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** @returns its exit status */
  ended(): Promise<number | null>
}

const running = new Set<ChildProcessWithoutNullStreams>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

function start(file: string, args: readonly string[] = [], port = 0): Example {
  const child = spawn(process.execPath, [join(folder, file), ...args], {
    env: { ...process.env, NODE_OPTIONS: '', PORT: String(port) },
  })
  running.add(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data
  })
  child.stderr.setEncoding('utf8').on('data', (data: string) => {
    text += data
  })
  const closed = once(child, 'close').then(([status]) => {
    running.delete(child)
    return status as number | null
  })
  return {
    child,
    output: () => text,
    ended: () => closed,
    printed: async (pattern) => {
      for (;;) {
        const found = pattern.exec(text)
        if (found !== null) return found
        if (!running.has(child)) throw new Error(`${file} ended without ${pattern}: ${text}`)
        await Promise.race([once(child.stdout, 'data'), closed])
      }
    },
  }
}

async function startServer(file: string): Promise<{ server: Example; port: number }> {
  const server = start(file)
  const [, port] = await server.printed(/listening on (\d+)\n/)
  return { server, port: Number(port) }
}

/** Runs an example to its end. @returns the lines that it printed */
async function linesOf(file: string): Promise<string[]> {
  const example = start(file)
  expect(await example.ended(), example.output()).toBe(0)
  return example.output().trimEnd().split('\n')
}

describe('examples', () => {
  test('echo: the server prints what it gets, the client prints the results, SIGTERM ends the server', async () => {
    const { server, port } = await startServer('echo-server.mjs')
    const client = start('echo-client.mjs', ['hello', '', 'world'], port)
    expect(await client.ended()).toBe(0)
    expect(client.output()).toBe('hello: 0\n: 1\nworld: 0\n')
    server.child.kill('SIGTERM')
    expect(await server.ended()).toBe(0)
    expect(server.output()).toMatch(
      /^listening on \d+\nsession (\d+): 00000001 hello\nsession \1: 00000002 \nsession \1: 00000003 world\n$/,
    )
  })

  test('authentication: the token gets in, another does not', async () => {
    const lines = await linesOf('authentication.mjs')
    expect(lines).toContain('server: a request, authenticated: true')
    expect(lines).toContain('client: result 0')
    expect(lines).toContain('client: ERR_CLIENT_UNAUTHORIZED')
    expect(lines.filter((line) => line.startsWith('server: session'))).toEqual([
      expect.stringMatching(/closed, peer-closed$/),
      expect.stringMatching(/closed, unauthorized$/),
    ])
  })

  test('metrics: connections, requests and results are counted', async () => {
    expect(await linesOf('metrics.mjs')).toEqual([
      'tcp_server_client_connected 1',
      'tcp_server_req_recv_total 3',
      'tcp_server_results_total{result="success"} 2',
      'tcp_server_results_total{result="failure"} 1',
    ])
  })

  test('TLS: a client that trusts the certificate is answered, another ends with an error', async () => {
    expect((await linesOf('tls.mjs')).sort()).toEqual([
      'client: ERR_CLIENT_CONNECT',
      'client: result 0',
      'server: a request of session 1',
    ])
  })

  test('graceful shutdown: what was received before SIGTERM is answered', async () => {
    const { server, port } = await startServer('graceful-shutdown.mjs')
    const client = start('echo-client.mjs', ['one', 'two'], port)
    await server.printed(/working on 00000002\n/)
    server.child.kill('SIGTERM')
    expect(await client.ended()).toBe(0)
    expect(client.output()).toBe('one: 0\ntwo: 0\n')
    expect(await server.ended()).toBe(0)
    expect(server.output()).toContain('draining\nstopped: 1 connections, 0 cut off, 0 requests unanswered\n')
  })

  test('middleware: a middleware can answer alone, a router finds the handler, an unknown command fails', async () => {
    const lines = await linesOf('middleware.mjs')
    expect(lines.filter((line) => line.startsWith('client: '))).toEqual([
      'client: add apple, result 0',
      'client: remove apple, result 1',
      'client: apple, result 1',
      'client: eat apple, result 1',
    ])
    expect(lines).toContain('server: apple, result 1, answered in time: true')
    expect(lines.filter((line) => line === 'server: ERR_ROUTER_UNKNOWN_KEY')).toHaveLength(1)
  })

  test('own protocol: replies, a message without one, a failure, an unsolicited message; under 40 lines', async () => {
    const { server, port } = await startServer('own-protocol-server.mjs')
    const messages = ['{"add":[1,2]}', '{"note":"hello"}', '{"add":1}', '{"subtract":[1,2]}', '{"add":[3,4]}']
    const client = start('own-protocol-client.mjs', messages, port)
    expect(await client.ended(), client.output()).toBe(0)
    const [welcome, sum, notIterable, unknown, secondSum, ...others] = client.output().trimEnd().split('\n')
    expect([welcome, sum, unknown, secondSum]).toEqual([
      '{"welcome":1}',
      '{"ok":true,"sum":3}',
      '{"ok":false,"error":"no handler for the key \\"subtract\\""}',
      '{"ok":true,"sum":7}',
    ])
    expect(notIterable).toMatch(/^\{"ok":false,"error":".*not iterable/)
    expect(others).toEqual([])
    expect(server.output()).toContain('note: hello\n')
    await server.printed(/session 1 closed: peer-closed\n/)
    const broken = start('own-protocol-client.mjs', ['{"add":[1,2]}', 'no JSON', '{"add":[3,4]}'], port)
    expect(await broken.ended()).toBe(0)
    expect(broken.output()).toBe('{"welcome":2}\n{"ok":true,"sum":3}\n')
    await server.printed(/session 2 closed: packet-error\n/)
    server.child.kill('SIGTERM')
    expect(await server.ended()).toBe(0)
    const source = readFileSync(join(folder, 'own-protocol-server.mjs'), 'utf8')
    expect(source.trimEnd().split('\n').length).toBeLessThan(40)
  })

  test('threads: the results of the handler in the worker threads come back', async () => {
    expect(await linesOf('threads.mjs')).toEqual(['1000003: prime', '1000004: not prime', '1000033: prime'])
  })

  test('limits: each peer is closed with the reason of the limit that it hit', async () => {
    expect(await linesOf('limits.mjs')).toEqual(['frame-error', 'too-many-connections', 'idle-timeout'])
  })
})

test('README.md lists each example', () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs') && file !== 'certificate.mjs')
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) expect(readme).toContain(`(${file})`)
})
