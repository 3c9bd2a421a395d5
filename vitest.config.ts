import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Each part is a project of its own: `pnpm vitest run --project server`. */
const parts = [
  { name: 'frame', root: 'packages/frame' },
  { name: 'packet', root: 'packages/packet' },
  { name: 'engine', root: 'packages/engine' },
  { name: 'server', root: 'packages/server' },
  { name: 'client-sim', root: 'packages/client-sim' },
  { name: 'metrics', root: 'packages/metrics' },
  { name: 'testkit', root: 'packages/testkit' },
  { name: 'cli', root: 'apps/cli' },
  { name: 'server-app', root: 'apps/server' },
  { name: 'loadgen-app', root: 'apps/loadgen' },
  { name: 'infra', root: 'infra' },
  { name: 'examples', root: 'examples' },
  { name: 'workspace', root: 'scripts' },
]

/** Whether the addon is built: on Linux, where there is a C compiler. Its tests are left out elsewhere, but never in CI. */
const hasEngine = existsSync(new URL(`packages/engine/prebuilds/${process.platform}-${process.arch}`, import.meta.url))
if (!hasEngine) {
  const message = 'the native engine is not built: its tests are left out'
  if (process.env['CI']) throw new Error(message)
  console.warn(message)
}
const env = { NATIVE_ENGINE: hasEngine ? 'yes' : 'no' }

/** The tests of a session, which run over every transport: over TCP with all others of the server, and over these. */
const SESSION_TESTS = 'src/{session,io,observability}/*.test.ts'
const transports = ['tls', 'unix', 'memory', ...(hasEngine ? ['native', 'native-unix'] : [])].map((transport) => ({
  root: 'packages/server',
  test: {
    name: `server-${transport}`,
    include: [SESSION_TESTS, 'src/handlers/{handlers,middleware,router}.test.ts'],
    // About TLS itself, and about TCP under it.
    exclude: ['src/session/socket-error.test.ts'],
    testTimeout: 30_000,
    env: { ...env, TEST_TRANSPORT: transport },
  },
}))

/** The tests of load connections, which run on the native engine with all others of the client, and on sockets of Node. */
const loadOnNode = {
  root: 'packages/client-sim',
  test: {
    name: 'client-sim-node',
    include: ['src/load/*.test.ts', 'src/{ids-repeat,faults}.test.ts', 'src/client/client-silence.test.ts'],
    testTimeout: 30_000,
    env: { ...env, TEST_ENGINE: 'node' },
  },
}

export default defineConfig({
  test: {
    // Most tests wait for another process: two at a time take little more than one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // In CI the count of tests is taken from the report: scripts/count-tests.mjs.
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'node_modules/.vitest-report.json' }]]
      : ['default'],
    projects: [
      ...parts
        .filter(({ name }) => name !== 'engine' || hasEngine)
        .map(({ name, root }) => ({
          root,
          test: { name, include: ['{src,test}/**/*.test.ts', '*.test.ts'], testTimeout: 30_000, env },
        })),
      ...transports,
      loadOnNode,
    ],
  },
})
