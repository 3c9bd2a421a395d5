import { ExitError, OptionError } from '@demo/cli'
import { ClientError } from '@demo/client-sim'
import { describe, expect, it } from 'vitest'
import { asExitError } from '../src/run-command.ts'

describe('an error of a run', () => {
  const system = Object.assign(new Error('ECONNREFUSED: no'), { code: 'ECONNREFUSED', syscall: 'connect' })
  it.each([
    { error: new OptionError('2 workers share nothing'), status: 2 },
    { error: new ClientError('ERR_CLIENT_CLOSED', 'it is gone'), status: 1 },
    { error: system, status: 1 },
  ])('that the user can have caused is one line: $error', async ({ error, status }) => {
    const thrown: unknown = await asExitError(Promise.reject(error)).catch((one: unknown) => one)
    expect(thrown).toBeInstanceOf(ExitError)
    expect(thrown).toMatchObject({ status, message: error.message })
  })

  it.each([
    new RangeError('Invalid array length'),
    new TypeError('undefined is not a function'),
    Object.assign(new TypeError('a bug'), { code: 'ERR_INVALID_ARG_TYPE' }),
  ])('that is a bug stays what it is, with its stack: %s', async (bug) => {
    await expect(asExitError(Promise.reject(bug))).rejects.toBe(bug)
  })
})
