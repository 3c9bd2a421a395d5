import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ExitError, ExitStatus, runProgram } from './index.ts'

type Write = typeof process.stderr.write

/** What the program wrote to standard error. */
let stderr: () => string

/** The status that the program ended with. */
let status: () => typeof process.exitCode | null

// The program's process is the test's own: it must not end, and is left as it was.
beforeEach(() => {
  const { exitCode } = process
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, before: stream.listeners('error') }))
  let written = ''
  let exited: typeof process.exitCode | null
  const write: Write = (text: string | Uint8Array, ...rest: unknown[]) => {
    written += String(text)
    for (const one of rest) if (typeof one === 'function') process.nextTick(one as () => void)
    return true
  }
  const exit = vi.spyOn(process, 'exit').mockImplementation(((code) => {
    // Nothing comes after the first.
    exited ??= code ?? process.exitCode
  }) as typeof process.exit)
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation(write)
  stderr = () => written
  status = () => exited ?? process.exitCode
  return () => {
    process.exitCode = exitCode
    spy.mockRestore()
    exit.mockRestore()
    for (const { stream, before } of streams) {
      for (const listener of stream.listeners('error')) {
        if (!before.includes(listener)) stream.off('error', listener as () => void)
      }
    }
  }
})

describe('a program', () => {
  test.each([0, 1, 3, 99])('that returns %d ends with it, and says nothing', async (returned) => {
    await runProgram('demo', async () => returned)
    expect(status()).toBe(returned)
    expect(stderr()).toBe('')
  })

  test('that throws an ExitError ends with its status and its line', async () => {
    await runProgram('demo-server', () => Promise.reject(new ExitError(3, "can't listen on 127.0.0.1:80: taken")))
    expect(status()).toBe(3)
    expect(stderr()).toBe("demo-server: can't listen on 127.0.0.1:80: taken\n")
  })

  test('that throws before its promise is there does the same', async () => {
    await runProgram('demo', () => {
      throw new ExitError(ExitStatus.usage, 'wrong')
    })
    expect(status()).toBe(2)
    expect(stderr()).toBe('demo: wrong\n')
  })

  test('that throws an ExitError with nothing to say says nothing', async () => {
    await runProgram('demo', () => Promise.reject(new ExitError(ExitStatus.ok, '')))
    expect(status()).toBe(0)
    expect(stderr()).toBe('')
  })

  test('that has a bug ends with 1, and shows where', async () => {
    const bug = new TypeError('undefined is not a function')
    await runProgram('demo', () => Promise.reject(bug))
    expect(status()).toBe(1)
    expect(stderr()).toBe(`demo: ${bug.stack}\n`)
    expect(stderr()).toContain('exit.test.ts')
  })

  test('that throws no error ends with 1', async () => {
    await runProgram('demo', () => Promise.reject('just text'))
    expect(status()).toBe(1)
    expect(stderr()).toBe('demo: just text\n')
  })

  test('has written all it had to say when it ends', async () => {
    const { write } = process.stdout
    const order: string[] = []
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(((text: string, ...rest: unknown[]) => {
      // As a pipe does that nobody has read for a while: it takes it later.
      setImmediate(() => {
        order.push(text)
        for (const one of rest) if (typeof one === 'function') one()
      })
      return true
    }) as typeof write)
    vi.mocked(process.exit).mockImplementation((() => {
      order.push('exit')
    }) as typeof process.exit)
    await runProgram('demo', async () => {
      process.stdout.write('result')
      return 0
    })
    out.mockRestore()
    // It may end by itself, or with exit(): then not before the result is out.
    expect(order.filter((one) => one !== '')).toEqual(order.includes('exit') ? ['result', 'exit'] : [])
  })
})

describe('standard output', () => {
  /** Runs a program whose output fails, twice, while it is at work. */
  async function failing(code: string, returned: number): Promise<void> {
    await runProgram('demo', async () => {
      const error = Object.assign(new Error(`${code}: it failed, write`), { code })
      process.stdout.emit('error', error)
      process.stdout.emit('error', error)
      return returned
    })
  }

  test.each([0, 1, 99])('that is closed changes nothing: the status is %d', async (returned) => {
    await failing('EPIPE', returned)
    expect(status()).toBe(returned)
    expect(stderr()).toBe('')
  })

  test.each([
    [0, 1],
    [2, 2],
    [99, 99],
  ])('that fails otherwise is one line, and no success: %d becomes %d', async (returned, expected) => {
    await failing('ENOSPC', returned)
    expect(status()).toBe(expected)
    expect(stderr()).toBe("demo: can't write to standard output: ENOSPC: it failed, write\n")
  })
})

test('a closed standard error does not end the program: it has other work', () => {
  void runProgram('demo', () => new Promise<number>(() => {}))
  process.stderr.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  expect(vi.mocked(process.exit).mock.calls).toEqual([])
})

test('an ExitError is an error with a status', () => {
  const error = new ExitError(4, 'the deadline came')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ status: 4, message: 'the deadline came' })
})
