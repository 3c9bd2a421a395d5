import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

function demo(variables: Record<string, string>) {
  return spawnSync(process.execPath, [fileURLToPath(new URL('demo.mjs', import.meta.url))], {
    env: { ...process.env, DEMO_SERVER_METRICS_PORT: '0', ...variables },
    encoding: 'utf8',
    timeout: 60_000,
  })
}

test('the demo shows the main job done: simulator, load, metrics', () => {
  const { status, stdout } = demo({ DEMO_SERVER_PORT: '0', DEMO_LOADGEN_DURATION: '1s', DEMO_LOADGEN_WARMUP: '100ms' })
  expect(stdout.match(/^\[client \d\]: exit ok$/gm)).toHaveLength(5)
  expect(stdout.match(/^\[client \d\]: the result of submit ack\[\d{8}\] is 0$/gm)).toHaveLength(50)
  expect(stdout).toMatch(/^throughput +[\d,]+ acks\/s$/m)
  for (const percentile of ['p50', 'p90', 'p99', 'p99.9'])
    expect(stdout).toMatch(new RegExp(`^ +${percentile} +[\\d.]+ ms$`, 'm'))
  expect(stdout).toMatch(/^tcp_server_client_connected +100 +0$/m)
  expect(stdout).toMatch(/^tcp_server_req_recv_total +[1-9]\d* +[1-9]\d*$/m)
  expect(stdout).toMatch(/^tcp_server_rsp_send_total +[1-9]\d* +[1-9]\d*$/m)
  expect(stdout).toContain('exit status 0')
  expect(status).toBe(0)
})

test('a port that is taken is told in one clear line', async () => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const { port } = squatter.address() as AddressInfo
  const { status, stderr } = demo({ DEMO_SERVER_PORT: String(port) })
  squatter.close()
  expect(stderr).toBe(`demo-server: can't listen on 127.0.0.1:${port}: the port is taken; choose another with --port\n`)
  expect(status).toBe(3)
})
