import { expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, startLoadgen } from './demo-loadgen.ts'

it.each([
  { args: ['--path', '/run/x', '--target', '127.0.0.1:1'], expected: '--path and --target exclude each other' },
  { args: ['--path', '/run/x', '--port', '1'], expected: '--path and --port exclude each other' },
  { args: ['--target', '127.0.0.1:1', '--host', '::1'], expected: '--target and --host exclude each other' },
  { args: ['--tls-insecure', '--tls-ca', 'ca.pem'], expected: '--tls-insecure and --tls-ca exclude each other' },
  { args: ['--payload', 'words', '--payload-size', '3'], expected: '--payload and --payload-size exclude each other' },
  { args: ['--payload-file', 'x', '--payload', 'words'], expected: '--payload and --payload-file exclude each other' },
  { args: ['--amount', '3', '--duration', '3s'], expected: '--amount and --duration exclude each other' },
  { args: ['--stage', '3s:10', '--duration', '3s'], expected: '--stage and --duration exclude each other' },
  { args: ['--stage', '3s:10', '--amount', '3'], expected: '--stage and --amount exclude each other' },
  { args: ['--stage', '3s:10', '--warmup', '3s'], expected: '--warmup has no effect with stages' },
  { args: ['--arrival', 'poisson'], expected: '--arrival has no effect without --rate or --stage' },
  { args: ['--metrics-host', '::1'], expected: '--metrics-host has no effect without --metrics-port' },
  { args: ['--abort-on-fail'], expected: '--abort-on-fail has no effect without --threshold' },
  {
    args: ['--abort-on-fail', '--threshold', 'p99<1s', '--repeat', '3'],
    expected: '--abort-on-fail and --repeat exclude each other',
  },
  { args: ['search', '--slo', 'p99<1s', '--path', 'x', '--target', 'unix:y'], expected: '--path and --target exclude' },
  { args: ['--stage', '10s'], expected: 'expected a duration and the rate at its end, like 10s:50k' },
  { args: ['--stage', '0:5'], expected: 'expected a duration above 0' },
  { args: ['--stage', '1s:-5'], expected: 'expected a rate a second' },
])('flags that have no effect together are refused: $args', async ({ args, expected }) => {
  const program = startLoadgen(args)
  expect(await program.exit()).toEqual({ status: 2, signal: null })
  expect(program.stdout).toBe('')
  expect(program.stderrLines).toEqual([expect.stringContaining(expected)])
})

it('a flag beats a variable that excludes it', async () => {
  const { port } = await startDemoServer()
  const environment = { DEMO_LOADGEN_PATH: '/no/such/socket', DEMO_LOADGEN_DURATION: '10m' }
  const args = ['--port', port, '--amount', 10, '--warmup', 0, '--connections', 1, '--json', '-']
  const program = startLoadgen(args, { environment })
  expect(await program.exit()).toEqual({ status: 0, signal: null })
  expect(readJson(program).requests).toBe(10)
})

it('names the variable that has no effect', async () => {
  const program = startLoadgen([], { environment: { DEMO_LOADGEN_ARRIVAL: 'poisson' } })
  expect(await program.exit()).toEqual({ status: 2, signal: null })
  expect(program.stderr).toContain('DEMO_LOADGEN_ARRIVAL has no effect without --rate or --stage')
})
