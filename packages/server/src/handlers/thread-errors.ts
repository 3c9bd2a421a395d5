export type ThreadsErrorCode =
  | 'ERR_THREADS_OPTION'
  | 'ERR_THREADS_LOAD'
  | 'ERR_THREADS_QUEUE_FULL'
  | 'ERR_THREADS_DIED'
  | 'ERR_THREADS_CLOSED'

/** An error of handlers in threads, beside what the handlers throw themselves. */
export class ThreadsError extends Error {
  override readonly name = 'ThreadsError'
  readonly code: ThreadsErrorCode

  constructor(code: ThreadsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
}

/** Something thrown in a thread, as it is sent to the main thread. An Error itself may hold values that cannot be cloned. */
export interface ThrownInThread {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
}

/** Makes the error that was thrown in a thread, with its name, stack and code. */
export function revive({ name, message, stack, code }: ThrownInThread): Error {
  const error = new Error(message)
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  if (stack !== undefined) error.stack = stack
  return code === undefined ? error : Object.assign(error, { code })
}
