import { resolve } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { ExitError, ExitStatus } from '@demo/cli'
import type { Handlers } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from './flags.ts'
import { moveToThreads } from './handler-threads.ts'

/**
 * How long a module may take until it is imported, in milliseconds: it may connect to a database before it says that it is
 * there, and a database that has just been started as well takes its seconds.
 */
const PATIENCE = 10_000

/** Without handlers of your own each request is answered with success. With one parameter it costs no context. */
export const ANSWER_ALL: Handlers = { onSubmit(_submit) {} }

const STOPPED = {}

const NAMES = ['onSubmit', 'onConn', 'onOpen', 'onClose', 'onError'] as const

/**
 * Imports the module of handlers, if there is one, and starts its threads, if there are any.
 *
 * @param stop settles when nobody wants them any more
 * @returns undefined when it was stopped before they were there
 * @throws ExitError with status 2 and one line, when it is not one
 */
export async function loadHandlers(config: Config, log: Logger, stop: Promise<unknown>): Promise<Handlers | undefined> {
  const { handler: path, handlerThreads } = config
  let stopped = false
  const stopping = stop.then(() => {
    stopped = true
    return STOPPED
  })
  if (path === undefined) {
    // What was ordered already is known now.
    await Promise.race([stopping, nextTurn()])
    return stopped ? undefined : ANSWER_ALL
  }
  const { href } = pathToFileURL(resolve(path))
  const loading = Promise.race([stopping, within(PATIENCE, import(href))])
  const imported = await watching(path, loading).catch((error: unknown) => {
    throw complain(path, `it can't be imported: ${oneLine(error)}`)
  })
  if (stopped) return undefined
  const handlers: unknown = (imported as { default?: unknown }).default
  if (typeof handlers !== 'object' || handlers === null) {
    throw complain(path, 'it must export handlers: export default { onSubmit(submit, context) { … } }')
  }
  const given = handlers as Record<string, unknown>
  if (typeof given['onSubmit'] !== 'function') throw complain(path, 'its default export has no function onSubmit')
  for (const name of NAMES) {
    if (given[name] === undefined || typeof given[name] === 'function') continue
    throw complain(path, `${name} of its default export is no function but ${typeof given[name]}`)
  }
  if (handlerThreads === 0) return handlers as Handlers
  const moving = moveToThreads(href, handlers as Handlers, handlerThreads, PATIENCE, log).catch((error: unknown) => {
    throw complain(path, `--handler-threads: ${oneLine(error)}`)
  })
  // Threads that still load end with the process.
  return Promise.race([moving, stopping.then(() => undefined)])
}

/** Sees to it that also a module is told by name that throws where its import does not hear it, or ends the process. */
async function watching<Value>(path: string, importing: Promise<Value>): Promise<Value> {
  let failed: (error: unknown) => void = () => {}
  const thrown = new Promise<never>((_resolve, reject) => {
    failed = reject
  })
  const ended = () => {
    const { status, message } = complain(path, 'it ended the process while it was imported')
    process.stderr.write(`demo-server: ${message}\n`)
    process.exitCode = status
  }
  process.on('uncaughtException', failed)
  process.on('exit', ended)
  try {
    const imported = await Promise.race([importing, thrown])
    // Only now: what failed once, or is not wanted any more, may throw again before the process has ended.
    if (imported !== STOPPED) process.off('uncaughtException', failed)
    return imported
  } finally {
    process.off('exit', ended)
  }
}

async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  const over = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it was not through within ${milliseconds / 1000} s`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}

function oneLine(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : inspect(thrown)
  return text.replaceAll(/\s*\n\s*/g, ' ')
}

function complain(path: string, what: string): ExitError {
  return new ExitError(ExitStatus.usage, `--handler ${path}: ${what}`)
}
