import { expect, it } from 'vitest'
import { startDemoServer } from '../../server/test/demo-server.ts'
import { readJson, startLoadgen } from './demo-loadgen.ts'

it.each([
  { args: ['--path', '/run/x', '--target', '127.0.0.1:1'], told: '--path and --target exclude each other' },
  { args: ['--path', '/run/x', '--port', '1'], told: '--path and --port exclude each other' },
  { args: ['--target', '127.0.0.1:1', '--host', '::1'], told: '--target and --host exclude each other' },
  { args: ['--tls-insecure', '--tls-ca', 'ca.pem'], told: '--tls-insecure and --tls-ca exclude each other' },
  { args: ['--payload', 'words', '--payload-size', '3'], told: '--payload and --payload-size exclude each other' },
  { args: ['--payload-file', 'x', '--payload', 'words'], told: '--payload and --payload-file exclude each other' },
  { args: ['--amount', '3', '--duration', '3s'], told: '--amount and --duration exclude each other' },
  { args: ['--stage', '3s:10', '--duration', '3s'], told: '--stage and --duration exclude each other' },
  { args: ['--stage', '3s:10', '--amount', '3'], told: '--stage and --amount exclude each other' },
  { args: ['--stage', '3s:10', '--warmup', '3s'], told: '--warmup has no effect with stages' },
  { args: ['--arrival', 'poisson'], told: '--arrival has no effect without --rate or --stage' },
  { args: ['--metrics-host', '::1'], told: '--metrics-host has no effect without --metrics-port' },
  { args: ['--abort-on-fail'], told: '--abort-on-fail has no effect without --threshold' },
  {
    args: ['--abort-on-fail', '--threshold', 'p99<1s', '--repeat', '3'],
    told: '--abort-on-fail and --repeat exclude each other',
  },
  { args: ['search', '--slo', 'p99<1s', '--path', 'x', '--target', 'unix:y'], told: '--path and --target exclude' },
  { args: ['--stage', '10s'], told: 'expected a duration and the rate at its end, like 10s:50k' },
  { args: ['--stage', '0:5'], told: 'expected a duration above 0' },
  { args: ['--stage', '1s:-5'], told: 'expected a rate a second' },
])('flags that have no effect together are refused: $args', async ({ args, told }) => {
  const program = startLoadgen(args)
  expect(await program.exit()).toEqual({ status: 2, signal: null })
  expect(program.stdout).toBe('')
  expect(program.stderrLines).toEqual([expect.stringContaining(told)])
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
