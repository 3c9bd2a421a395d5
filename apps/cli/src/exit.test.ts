import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ExitError, ExitStatus, runProgram } from './index.ts'

/** What the program wrote to standard error. */
let stderr: () => string

// The program's process is the test's own: it is left as it was.
beforeEach(() => {
  const { exitCode } = process
  const listeners = process.stdout.listeners('error')
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  stderr = () => spy.mock.calls.map(([text]) => String(text)).join('')
  return () => {
    process.exitCode = exitCode
    spy.mockRestore()
    for (const listener of process.stdout.listeners('error')) {
      if (!listeners.includes(listener)) process.stdout.off('error', listener as () => void)
    }
  }
})

/** The statuses with which the process was to end at once. */
function exits(): (number | string | null | undefined)[] {
  const statuses: (number | string | null | undefined)[] = []
  const spy = vi.spyOn(process, 'exit').mockImplementation(((status) => {
    statuses.push(status)
  }) as typeof process.exit)
  onTestFinished(() => spy.mockRestore())
  return statuses
}

describe('a program', () => {
  test.each([0, 1, 3, 99])('that returns %d ends with it, and says nothing', async (status) => {
    await runProgram('demo', async () => status)
    expect(process.exitCode).toBe(status)
    expect(stderr()).toBe('')
  })

  test('that throws an ExitError ends with its status and its line', async () => {
    await runProgram('demo-server', () => Promise.reject(new ExitError(3, "can't listen on 127.0.0.1:80: taken")))
    expect(process.exitCode).toBe(3)
    expect(stderr()).toBe("demo-server: can't listen on 127.0.0.1:80: taken\n")
  })

  test('that throws before its promise is there does the same', async () => {
    await runProgram('demo', () => {
      throw new ExitError(ExitStatus.usage, 'wrong')
    })
    expect(process.exitCode).toBe(2)
    expect(stderr()).toBe('demo: wrong\n')
  })

  test('that throws an ExitError with nothing to say says nothing', async () => {
    await runProgram('demo', () => Promise.reject(new ExitError(ExitStatus.ok, '')))
    expect(process.exitCode).toBe(0)
    expect(stderr()).toBe('')
  })

  test('that has a bug ends with 1, and shows where', async () => {
    const bug = new TypeError('undefined is not a function')
    await runProgram('demo', () => Promise.reject(bug))
    expect(process.exitCode).toBe(1)
    expect(stderr()).toBe(`demo: ${bug.stack}\n`)
    expect(stderr()).toContain('exit.test.ts')
  })

  test('that throws no error ends with 1', async () => {
    await runProgram('demo', () => Promise.reject('just text'))
    expect(process.exitCode).toBe(1)
    expect(stderr()).toBe('demo: just text\n')
  })
})

describe('standard output', () => {
  test('that nobody reads any more ends the program, and all is well', async () => {
    const statuses = exits()
    await runProgram('demo', async () => 0)
    process.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    expect(statuses).toEqual([0])
    expect(stderr()).toBe('')
  })

  test('that fails otherwise ends the program with 1', async () => {
    const statuses = exits()
    await runProgram('demo', async () => 0)
    process.stdout.emit('error', Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }))
    expect(statuses).toEqual([1])
  })
})

test('an ExitError is an error with a status', () => {
  const error = new ExitError(4, 'the deadline came')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ status: 4, message: 'the deadline came' })
})
