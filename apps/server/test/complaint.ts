import type { Program } from '@demo/testkit/program'
import { expect } from 'vitest'

/** The error line of a program that did not start. Checks that it printed nothing else. */
export async function complaint(program: Program, status: number): Promise<string> {
  const said = await program.until('it says why', () => (program.stderr === '' ? undefined : program.stderr))
  expect(said, 'it does not start').not.toContain('listening')
  const exit = await program.exit()
  const { stdout, stderrLines, stderr } = program
  expect({ ...exit, stdout, lines: stderrLines.length, stderr }).toMatchObject({
    status,
    signal: null,
    stdout: '',
    lines: 1,
    stderr: expect.stringMatching(/^demo-server: .+\n$/),
  })
  return stderr
}
