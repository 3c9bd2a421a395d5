import { join } from 'node:path'
import { takePort } from '@demo/testkit/ports'
import { describe, expect, it } from 'vitest'
import { type RunResult, run } from './testing/run.ts'
import { root } from './testing/workspace.ts'

const TIMEOUT = 40_000

function runDemo(environment: NodeJS.ProcessEnv): Promise<RunResult> {
  return run(process.execPath, [join(root, 'scripts/demo.mjs')], {
    folder: root,
    environment: {
      DEMO_SERVER_PORT: '0',
      DEMO_SERVER_METRICS_PORT: '0',
      DEMO_LOADGEN_DURATION: '1s',
      DEMO_LOADGEN_WARMUP: '200ms',
      ...environment,
    },
    timeout: TIMEOUT - 5000,
  })
}

describe('npm run demo', () => {
  it('shows simulator, load, metrics and drain', { timeout: TIMEOUT }, async () => {
    const { status, stdout, stderr } = await runDemo({})
    expect({ status, stderr }).toMatchObject({ status: 0 })
    expect(stdout).toMatch(/^demo-server listens on 127\.0\.0\.1:\d+, its metrics on port \d+$/m)
    expect(stdout.match(/^\[client \d\]: the result of submit ack\[\d{8}\] is 0$/gm)).toHaveLength(50)
    expect(stdout.match(/^\[client \d\]: exit ok$/gm)).toHaveLength(5)
    expect(stdout).toMatch(/^throughput +[\d,]+ acks\/s$/m)
    for (const row of ['p50', 'p90', 'p99', 'p99\\.9', 'max']) {
      expect(stdout).toMatch(new RegExp(`^ +${row} +[\\d.]+ ms$`, 'm'))
    }
    expect(stdout).toMatch(/^tcp_server_client_connected +100 +0$/m)
    expect(stdout).toMatch(/^tcp_server_req_recv_total +[1-9]\d* +[1-9]\d*$/m)
    expect(stdout).toMatch(/^tcp_server_rsp_send_total +[1-9]\d* +[1-9]\d*$/m)
    expect(stdout).toMatch(/^[\d,]+ acks a second; [\d,]+ requests, each answered once$/m)
    expect(stdout).toMatch(/stopped, exit status 0\n$/)
  })

  it.each(['DEMO_SERVER_PORT', 'DEMO_SERVER_METRICS_PORT'])(
    'says in one line that a port is taken: %s',
    async (name) => {
      const port = await takePort()
      const { status, stderr } = await runDemo({ [name]: `${port}` })
      expect(status).toBe(3)
      expect(stderr).toMatch(/^demo-server: .+\n$/)
      expect(stderr).toContain(`127.0.0.1:${port}`)
    },
  )

  it('stops the server, and ends with the exit status of the program that failed', { timeout: TIMEOUT }, async () => {
    // The simulator expects the numbers of the Go series, so the answers are invalid for it.
    const { status, stdout } = await runDemo({ DEMO_LOADGEN_DIALECT: 'go-demo' })
    expect(status).toBe(1)
    expect(stdout).toMatch(/exit with error: .*seems to speak the specification dialect/)
    expect(stdout).toMatch(/stopped, exit status 0\n$/)
  })
})
