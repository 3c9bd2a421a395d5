import { describe, expect, test } from 'vitest'
import { Program } from './program.ts'

const node = (code: string, environment: NodeJS.ProcessEnv = {}) =>
  new Program(process.execPath, ['--eval', code], { environment })

describe('a program', () => {
  test('gives what it wrote, and its status', async () => {
    const program = node('console.log("out"); console.error("one\\ntwo"); process.exitCode = 3')
    expect(await program.exit()).toEqual({ status: 3, signal: null })
    expect([program.stdoutLines, program.stderrLines]).toEqual([['out'], ['one', 'two']])
  })

  test('fails a wait at once when it ends before', async () => {
    const program = node('console.error("broken")')
    await expect(program.until('it listens', () => undefined)).rejects.toThrow(/^it ended before it listens; .*broken/s)
  })

  test('that does not start fails with the reason', async () => {
    const program = new Program('/no/such/program', [])
    await expect(program.exit()).rejects.toMatchObject({
      message: '/no/such/program did not start',
      cause: { code: 'ENOENT' },
    })
  })

  test('gets a signal at a text', async () => {
    const program = node('console.error("ready"); setInterval(() => {}, 1000)')
    program.signalAt('ready', 'SIGTERM')
    expect(await program.exit()).toEqual({ status: null, signal: 'SIGTERM' })
  })

  test('does not see that it is under test, nor our flags', async () => {
    process.env['DEMO_SERVER_PORT'] = '1'
    const program = node(
      'console.log(Object.keys(process.env).filter((name) => /^(DEMO_|VITEST|OWN)/.test(name)).join())',
      { OWN: '1' },
    )
    delete process.env['DEMO_SERVER_PORT']
    await program.exit()
    expect(program.stdoutLines).toEqual(['OWN'])
  })

  test('that outlives the test runs until it is stopped', async () => {
    const program = new Program(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { outlivesTest: true })
    expect(program.running).toBe(true)
    await program.stop()
    expect(program.running).toBe(false)
  })
})
