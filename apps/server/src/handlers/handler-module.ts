import { resolve } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { ExitError, ExitStatus } from '@demo/cli'
import type { Handlers } from '@demo/server'
import type { Logger } from 'pino'
import type { Config } from '../config/flags.ts'
import { errorText } from '../logging/error-text.ts'
import { moveToThreads } from './handler-threads.ts'

/**
 * How long the import of a module may take, in milliseconds. It may connect to a database first, and a database that was
 * started at the same time needs a few seconds.
 */
const IMPORT_TIMEOUT = 10_000

/** Answers each request with success. It has one parameter, so no context is made for it. */
export const ANSWER_ALL: Handlers = { onSubmit(_submit) {} }

const STOPPED = {}

const NAMES = ['onSubmit', 'onConn', 'onOpen', 'onTick', 'onClose', 'onError'] as const

/**
 * Imports the handler module and starts its threads, if the configuration has them.
 *
 * @param stop settles when the process has to stop
 * @returns undefined when the process has to stop before the handlers are ready
 * @throws ExitError with status 2 and one line, when the module is invalid
 */
export async function loadHandlers(config: Config, log: Logger, stop: Promise<unknown>): Promise<Handlers | undefined> {
  const { handler: path, handlerThreads, tickInterval } = config
  let stopped = false
  const stopping = stop.then(() => {
    stopped = true
    return STOPPED
  })
  if (path === undefined) {
    // A stop that was already requested is seen after one turn.
    await Promise.race([stopping, nextTurn()])
    return stopped ? undefined : ANSWER_ALL
  }
  const { href } = pathToFileURL(resolve(path))
  const loading = Promise.race([stopping, within(IMPORT_TIMEOUT, import(href))])
  const imported = await catchingStrayErrors(path, loading).catch((error: unknown) => {
    throw complain(path, `it can't be imported: ${oneLine(error)}`)
  })
  if (stopped) return undefined
  const handlers = checkHandlers(path, (imported as { default?: unknown }).default)
  if (tickInterval > 0 && handlers.onTick === undefined) {
    throw complain(path, '--tick-interval needs a function onTick in its default export')
  }
  if (tickInterval === 0 && handlers.onTick !== undefined) {
    log.warn({ handler: path }, 'onTick is never called: set --tick-interval')
  }
  if (handlerThreads === 0) return handlers
  const moving = moveToThreads(href, handlers, handlerThreads, IMPORT_TIMEOUT, log).catch((error: unknown) => {
    throw complain(path, `--handler-threads: ${oneLine(error)}`)
  })
  // Threads that still load end with the process.
  return Promise.race([moving, stopping.then(() => undefined)])
}

/** @throws ExitError when the default export is not an object of handlers */
function checkHandlers(path: string, handlers: unknown): Handlers {
  if (typeof handlers !== 'object' || handlers === null) {
    throw complain(path, 'it must export handlers: export default { onSubmit(submit, context) { … } }')
  }
  const given = handlers as Record<string, unknown>
  if (typeof given['onSubmit'] !== 'function') throw complain(path, 'its default export has no function onSubmit')
  for (const name of NAMES) {
    const type = typeof given[name]
    if (type !== 'undefined' && type !== 'function') {
      throw complain(path, `invalid ${name} in its default export: expected a function, got ${type}`)
    }
  }
  return handlers as Handlers
}

/** Also reports a module that throws outside of its import (in a timer, say), or that ends the process. */
async function catchingStrayErrors<Value>(path: string, importing: Promise<Value>): Promise<Value> {
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
    // After a failure or a stop the listener stays: the module may throw again before the process has ended.
    if (imported !== STOPPED) process.off('uncaughtException', failed)
    return imported
  } finally {
    process.off('exit', ended)
  }
}

async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  const over = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it took longer than ${milliseconds / 1000} s`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}

function oneLine(thrown: unknown): string {
  return errorText(thrown).replaceAll(/\s*\n\s*/g, ' ')
}

function complain(path: string, what: string): ExitError {
  return new ExitError(ExitStatus.usage, `--handler ${path}: ${what}`)
}
