import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../scripts/fuzz.mjs', import.meta.url))

/** Without clang there is no libFuzzer: scripts/fuzz.mjs says which packages bring it. In CI it is there. */
const hasClang = spawnSync('clang', ['--version']).status === 0

/** The short form of what scripts/fuzz.mjs does for ten minutes. */
describe.skipIf(!hasClang)('some seconds of fuzzing with sanitizers find nothing', () => {
  test.each(['cutter', 'engine'])(
    'in the %s',
    (target) => {
      const output = execFileSync(process.execPath, [script, '--seconds', '10', '--target', target], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 110_000,
      })
      expect(output).toContain(`${target}: 10 s`)
    },
    120_000,
  )
})
