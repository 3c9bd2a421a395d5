/**
 * Runs in a worker thread, between piscina and a user's handler module. It is plain JavaScript, so that a thread can load it
 * from `src` too.
 *
 * @import { FromThread, ToThread } from './thread-messages.ts'
 * @import { ThrownInThread } from './thread-errors.ts'
 */
import { workerData } from 'node:worker_threads'

/** @type {{ url: string, flags: Int32Array }} */
const { url, flags } = workerData

/** Why a request is aborted, by the value of its flag. 0: it is not. */
const REASONS = [
  undefined,
  { name: 'HandlerTimeoutError', code: 'ERR_SERVER_HANDLER_TIMEOUT', message: 'the handler did not settle in time' },
  { name: 'ConnectionClosedError', code: 'ERR_SERVER_CONNECTION_CLOSED', message: 'the connection is closed' },
]

/** From the clock that all threads share to this thread's own `performance.now()`. */
const CLOCK_OFFSET = performance.now() - Number(process.hrtime.bigint()) / 1e6

const abortedOf = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get

/** @type {Promise<Function> | undefined} */
let loading

/**
 * @param {ToThread | null} task null only loads the module
 * @returns {Promise<FromThread>}
 */
export default async function run(task) {
  let handler
  try {
    loading ??= load()
    handler = await loading
  } catch (error) {
    loading = undefined
    return { loadError: plain(error) }
  }
  if (task === null) return 0
  const context = new Context(task)
  const { command, id, payload } = task
  try {
    const result = await handler({ command, id, payload, payloadLength: payload.length }, context)
    if (result === undefined || result === 0) return 0
    if (result === 1) return 1
    throw new TypeError(`onSubmit returned ${describe(result)}: expected 0, 1, nothing, or a promise of one of them`)
  } catch (error) {
    return { error: plain(error) }
  } finally {
    context.end()
  }
}

async function load() {
  const module = await import(url)
  const { default: defaultExport, onSubmit } = module
  if (typeof defaultExport === 'function') return defaultExport
  if (typeof defaultExport?.onSubmit === 'function') return defaultExport.onSubmit.bind(defaultExport)
  if (typeof onSubmit === 'function') return onSubmit
  throw new TypeError(
    'no handler: expected an exported function onSubmit, or a function or { onSubmit } as the default export',
  )
}

class Context {
  /** @type {AbortSignal | undefined} */
  #signal
  #slot
  #ended = false

  /** @param {ToThread} task */
  constructor({ id, session, deadline, receivedAt, slot }) {
    this.id = id
    this.session = session
    this.deadline = deadline + CLOCK_OFFSET
    this.receivedAt = receivedAt + CLOCK_OFFSET
    this.#slot = slot
  }

  /** It aborts by itself, and also when `signal.aborted` is read: a loop that never awaits can use that. */
  get signal() {
    if (this.#signal !== undefined) return this.#signal
    const controller = new AbortController()
    const { signal } = controller
    const isAborted = () => abortedOf?.call(signal) === true
    const look = () => {
      const reason = this.#ended ? undefined : REASONS[Atomics.load(flags, this.#slot)]
      if (reason === undefined || isAborted()) return
      const { message, ...facts } = reason
      controller.abort(Object.assign(new Error(message), facts))
    }
    Object.defineProperties(signal, {
      aborted: {
        get() {
          look()
          return isAborted()
        },
      },
      throwIfAborted: {
        value() {
          if (signal.aborted) throw signal.reason
        },
      },
    })
    const change = Atomics.waitAsync(flags, this.#slot, 0)
    if (change.async) change.value.then(look)
    else look()
    this.#signal = signal
    return signal
  }

  end() {
    this.#ended = true
    if (this.#signal !== undefined) Atomics.notify(flags, this.#slot)
  }
}

/**
 * @param {unknown} thrown
 * @returns {ThrownInThread}
 */
function plain(thrown) {
  try {
    if (!(thrown instanceof Error))
      return { name: 'Error', message: describe(thrown), stack: undefined, code: undefined }
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
    return { name: String(thrown.name), message: String(thrown.message), stack: String(thrown.stack), code }
  } catch {
    return { name: 'Error', message: 'a value that cannot be shown', stack: undefined, code: undefined }
  }
}

/** @param {unknown} value */
function describe(value) {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' || typeof value === 'function' ? typeof value : String(value)
}
