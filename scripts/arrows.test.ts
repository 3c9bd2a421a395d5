import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from './testing/run.ts'
import { bin, root, temporaryFolder } from './testing/workspace.ts'

interface Arrow {
  readonly from: string
  readonly to: string
  /** The import, if it is another than `export * from`. */
  readonly source?: string
}

const FORBIDDEN: readonly Arrow[] = [
  { from: 'packages/frame/src/x.ts', to: '@demo/packet' },
  { from: 'packages/frame/src/x.ts', to: '@demo/server' },
  { from: 'packages/frame/src/x.ts', to: 'node:net' },
  { from: 'packages/frame/src/x.ts', to: 'node:stream/web' },
  { from: 'packages/frame/src/x.ts', to: 'node:fs/promises' },
  { from: 'packages/frame/src/x.ts', to: 'prom-client' },
  { from: 'packages/frame/src/x.test.ts', to: '@demo/packet' },
  { from: 'packages/packet/src/x.ts', to: '@demo/frame' },
  { from: 'packages/packet/src/x.ts', to: '@demo/server' },
  { from: 'packages/packet/src/x.ts', to: 'node:buffer' },
  { from: 'packages/packet/src/x.ts', to: 'prom-client' },
  { from: 'packages/packet/src/x.test.ts', to: '@demo/frame' },
  { from: 'packages/server/src/x.ts', to: '@demo/client-sim' },
  { from: 'packages/server/src/x.ts', to: '@demo/metrics' },
  { from: 'packages/server/src/x.ts', to: '@demo/cli' },
  { from: 'packages/server/src/x.test.ts', to: '@demo/client-sim' },
  { from: 'packages/server/src/x.ts', to: 'node:net' },
  { from: 'packages/server/src/session/x.ts', to: '@demo/client-sim' },
  { from: 'packages/server/src/session/x.ts', to: '../server.ts' },
  { from: 'packages/server/src/session/x.ts', to: '../limits/connections-per-ip.ts' },
  { from: 'packages/server/src/session/x.ts', to: 'node:net' },
  { from: 'packages/server/src/session/x.ts', to: 'node:tls' },
  { from: 'packages/server/src/handlers/x.ts', to: '../session/frame-session.ts' },
  { from: 'packages/server/src/handlers/x.ts', to: '../session/x.ts', source: "export type * from '../session/x.ts'" },
  { from: 'packages/server/src/handlers/x.ts', to: '../io/outbound.ts' },
  { from: 'packages/server/src/handlers/x.ts', to: 'node:net' },
  { from: 'packages/server/src/observability/x.ts', to: '../session/frame-session.ts' },
  { from: 'packages/server/src/io/x.ts', to: '../handlers/outcome.ts' },
  { from: 'packages/server/src/io/x.ts', to: 'node:net' },
  { from: 'packages/server/src/limits/x.ts', to: '../api/session.ts' },
  { from: 'packages/server/src/limits/x.ts', to: 'node:net' },
  { from: 'packages/server/src/transport/x.ts', to: '../io/outbound.ts' },
  { from: 'packages/server/src/transport/x.ts', to: '../options.ts' },
  { from: 'packages/server/src/api/x.ts', to: '../transport/connection.ts' },
  { from: 'packages/server/src/api/x.ts', to: '../index.ts' },
  { from: 'packages/server/src/internal/x.ts', to: '../api/session.ts' },
  { from: 'packages/client-sim/src/x.ts', to: '@demo/server' },
  { from: 'packages/client-sim/src/x.ts', to: '@demo/metrics' },
  { from: 'packages/client-sim/src/x.ts', to: '@demo/cli' },
  { from: 'packages/metrics/src/x.ts', to: '@demo/frame' },
  { from: 'packages/metrics/src/x.ts', to: '@demo/packet' },
  { from: 'packages/metrics/src/x.ts', to: '@demo/client-sim' },
  { from: 'packages/metrics/src/x.ts', to: '@demo/cli' },
  { from: 'apps/server/src/x.ts', to: '@demo/client-sim' },
  { from: 'apps/server/src/x.ts', to: '@demo/frame' },
  { from: 'apps/server/src/x.ts', to: '@demo/packet' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/server' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/server/threads' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/frame' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/packet' },
  { from: 'apps/cli/src/x.ts', to: '@demo/frame' },
  { from: 'apps/cli/src/x.ts', to: '@demo/packet' },
  { from: 'apps/cli/src/x.ts', to: '@demo/server' },
  { from: 'apps/cli/src/x.ts', to: '@demo/client-sim' },
  { from: 'apps/cli/src/x.ts', to: '@demo/metrics' },
  ...['frame', 'packet', 'server', 'client-sim', 'metrics'].map((name) => ({
    from: `packages/${name}/src/x.ts`,
    to: '@demo/testkit/wire',
  })),
  { from: 'packages/server/bench/x.ts', to: '@demo/testkit/wire' },
  { from: 'packages/frame/src/x.test.ts', to: '@demo/testkit/wire' },
  { from: 'packages/packet/src/x.test.ts', to: '@demo/testkit/wire' },
  { from: 'packages/client-sim/src/x.test.ts', to: '@demo/server' },
  { from: 'packages/testkit/src/x.ts', to: '@demo/frame' },
  { from: 'packages/testkit/src/x.ts', to: '@demo/server' },
  { from: 'packages/testkit/src/x.test.ts', to: '@demo/packet' },
  { from: 'packages/testkit/src/x.ts', to: '../../server/src/index.ts' },
  { from: 'apps/server/src/x.ts', to: '@demo/testkit/wire' },
  { from: 'apps/server/bench/x.ts', to: '@demo/testkit/wire' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/testkit/wire' },
  { from: 'apps/cli/src/x.ts', to: '@demo/testkit/wire' },
  { from: 'scripts/x.ts', to: '@demo/testkit/wire' },
  { from: 'examples/x.ts', to: '@demo/testkit/wire' },
  { from: 'examples/x.ts', to: '@demo/cli' },
  { from: 'examples/x.ts', to: '../packages/server/src/index.ts' },
  // Every form of import, and the way around the packages' names.
  { from: 'packages/frame/src/x.ts', to: '@demo/packet', source: "export type { Packet } from '@demo/packet'" },
  { from: 'packages/frame/src/x.ts', to: '@demo/packet', source: "export const packet = await import('@demo/packet')" },
  { from: 'packages/frame/src/x.ts', to: '../../packet/src/index.ts' },
  { from: 'packages/server/src/x.ts', to: '../../client-sim/src/index.ts' },
  { from: 'packages/client-sim/src/deep/x.ts', to: '../../../server/src/session.ts' },
  { from: 'apps/loadgen/src/x.ts', to: '../../../packages/frame/src/index.ts' },
]

const ALLOWED: readonly Arrow[] = [
  { from: 'examples/x.ts', to: '@demo/server' },
  { from: 'packages/frame/src/x.ts', to: './frame-error.ts' },
  { from: 'packages/frame/src/x.test.ts', to: 'node:fs' },
  { from: 'packages/packet/src/x.ts', to: './packet.ts' },
  { from: 'packages/packet/src/x.test.ts', to: 'node:fs' },
  { from: 'packages/server/src/x.ts', to: '@demo/frame' },
  { from: 'packages/server/src/x.ts', to: '@demo/packet' },
  { from: 'packages/server/src/x.ts', to: './session/frame-session.ts' },
  { from: 'packages/server/src/session/x.ts', to: '../handlers/outcome.ts' },
  { from: 'packages/server/src/session/x.ts', to: '../transport/connection.ts' },
  { from: 'packages/server/src/session/x.ts', to: './in-flight.ts' },
  { from: 'packages/server/src/session/x.ts', to: 'node:events' },
  { from: 'packages/server/src/session/x.test.ts', to: '../index.ts' },
  { from: 'packages/server/src/session/x.test.ts', to: 'node:net' },
  { from: 'packages/server/src/handlers/x.ts', to: '../api/session.ts' },
  { from: 'packages/server/src/io/x.ts', to: '../transport/connection.ts' },
  { from: 'packages/server/src/transport/x.ts', to: 'node:net' },
  { from: 'packages/server/src/transport/x.ts', to: '../internal/timers.ts' },
  { from: 'packages/server/src/testing/x.ts', to: '../index.ts' },
  { from: 'packages/server/src/x.test.ts', to: '@demo/testkit/wire' },
  { from: 'packages/server/src/testing/x.ts', to: '@demo/testkit/peer' },
  { from: 'packages/client-sim/src/x.test.ts', to: '@demo/testkit/wire' },
  { from: 'packages/client-sim/src/x.test.ts', to: '@demo/frame' },
  { from: 'packages/client-sim/src/testing/x.ts', to: '@demo/testkit/wait-for' },
  { from: 'packages/metrics/src/x.test.ts', to: '@demo/testkit/ports' },
  { from: 'packages/testkit/src/x.ts', to: './wire.ts' },
  { from: 'apps/server/test/x.ts', to: '@demo/testkit/program' },
  { from: 'apps/server/hostile/attacks/x.ts', to: '@demo/testkit/wire' },
  { from: 'apps/loadgen/test/x.test.ts', to: '@demo/testkit/program' },
  { from: 'apps/cli/src/x.test.ts', to: '@demo/testkit/temporary-folder' },
  { from: 'infra/test/x.ts', to: '@demo/testkit/program' },
  { from: 'scripts/x.test.ts', to: '@demo/testkit/ports' },
  { from: 'packages/client-sim/src/x.ts', to: '@demo/frame' },
  { from: 'packages/client-sim/src/x.ts', to: '@demo/packet' },
  { from: 'packages/client-sim/src/x.ts', to: 'node:net' },
  { from: 'packages/metrics/src/x.ts', to: '@demo/server', source: "export type { Server } from '@demo/server'" },
  { from: 'packages/metrics/src/x.ts', to: 'prom-client' },
  { from: 'apps/server/src/x.ts', to: '@demo/server' },
  { from: 'apps/server/src/x.ts', to: '@demo/server/threads' },
  { from: 'apps/server/src/x.ts', to: '@demo/metrics' },
  { from: 'apps/server/src/x.ts', to: '@demo/cli' },
  { from: 'apps/server/src/x.ts', to: 'pino' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/client-sim' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/metrics' },
  { from: 'apps/loadgen/src/x.ts', to: '@demo/cli' },
  { from: 'apps/loadgen/src/x.ts', to: 'hdr-histogram-js' },
  { from: 'apps/cli/src/x.ts', to: 'commander' },
]

/** What the linter says of each arrow. Asked once for all of them, in a folder that has its configuration. */
const complaints = new Map<Arrow, string[]>()
const folder = temporaryFolder()

beforeAll(async () => {
  for (const file of ['biome.json', '.gitignore']) copyFileSync(join(root, file), join(folder, file))
  const arrows = [...FORBIDDEN, ...ALLOWED]
  const files = arrows.map(({ from, to, source = `export * from '${to}'` }, i) => {
    // Each in a file of its own: x.ts is x0.ts, x1.ts, …
    const file = from.replace(/x(?=(\.test)?\.ts$)/, `x${i}`)
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), `${source}\n`)
    return file
  })
  const { stdout, stderr } = await run(bin('biome'), ['lint', '--reporter=json', '--max-diagnostics=none', '.'], {
    folder,
  })
  if (stdout === '') throw new Error(stderr)
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { message: string; location: { path: string } }[] }
  arrows.forEach((arrow, i) => {
    const own = diagnostics.filter(({ location }) => location.path === files[i])
    complaints.set(
      arrow,
      own.map(({ message }) => message),
    )
  })
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('the linter', () => {
  it.each(FORBIDDEN)('forbids the arrow from $from to $to, and says where arrows are drawn', (arrow) => {
    expect(complaints.get(arrow)).toEqual([expect.stringContaining('docs/architecture.md')])
  })

  it.each(ALLOWED)('allows the arrow from $from to $to', (arrow) => {
    expect(complaints.get(arrow)).toEqual([])
  })
})
