import { ExitError, ExitStatus } from '@demo/cli'
import { ClientError } from '@demo/client-sim'

/**
 * What the user can have caused becomes one line: nobody listens, a file can't be written.
 *
 * @throws ExitError for these; anything else is a bug and thrown as it is
 */
export async function orOneLine<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    const expected = error instanceof ClientError || (error instanceof Error && 'syscall' in error)
    if (expected) throw new ExitError(ExitStatus.failed, error.message)
    if (error instanceof RangeError) throw new ExitError(ExitStatus.usage, error.message)
    throw error
  }
}
