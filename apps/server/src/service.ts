import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { ExitError, ExitStatus } from '@demo/cli'
import { createServerMetrics, type ServerMetrics } from '@demo/metrics'
import { createServer, type Handlers, type Server, ServerOptionError, type TlsOptions } from '@demo/server'
import type { Logger } from 'pino'
import { serverOptions, VERSION } from './config.ts'
import type { Config } from './flags.ts'
import { loadHandlers } from './handler-module.ts'
import { logClose } from './log.ts'
import { readTokens, type Tokens } from './tokens.ts'

/** Without handlers of your own each request is answered with success. */
const ANSWER_ALL: Handlers = { onSubmit() {} }

/** What one process serves with: the server, and what can be read anew while it runs. */
export interface Service {
  readonly server: Server
  readonly metrics: ServerMetrics
  /** Reads tokens and certificates again. What can't be used is logged, and the old goes on being used. */
  reload(): void
}

/**
 * Makes the server that a configuration describes, with every file that it names. It does not listen yet.
 *
 * @throws ExitError with status 2 and one line: which flag, which file, and what is wrong
 */
export async function createService(config: Config, log: Logger): Promise<Service> {
  const { authTokensFile, handler } = config
  const users = handler === undefined ? ANSWER_ALL : await loadHandlers(handler)
  let tokens =
    authTokensFile === undefined ? undefined : complaining('--auth-tokens-file', () => readTokens(authTokensFile))
  const tls = complaining('--tls-cert, --tls-key, --tls-ca', () => readTls(config))
  const metrics = createServerMetrics({ version: VERSION })
  const handlers = handlersOf(users, () => tokens, log)
  // Who answers all looks at no packet: reading need not keep them.
  const reuseReadBuffer = users === ANSWER_ALL || config.reuseReadBuffer
  const options = {
    ...serverOptions(config),
    reuseReadBuffer,
    observer: metrics,
    ...(tls === undefined ? {} : { tls }),
  }
  const server = orComplain(() => createServer(handlers, options))

  const renew = (what: string, work: () => void) => {
    try {
      work()
      log.info({ what }, 'reloaded')
    } catch (error) {
      log.error({ what, error: (error as Error).message }, 'reload failed; what was there before is still used')
    }
  }
  return {
    server,
    metrics,
    reload() {
      if (authTokensFile !== undefined) {
        renew('tokens', () => {
          tokens = readTokens(authTokensFile)
        })
      }
      if (authTokensFile === undefined && tls === undefined)
        log.info('nothing to reload: no tokens and no certificates')
      if (tls !== undefined) renew('certificates', () => server.renewTls(readTls(config) ?? tls))
    },
  }
}

function readTls({ tlsCert, tlsKey, tlsCa, tlsRequireClientCert }: Config): TlsOptions | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const ca = tlsCa === undefined ? {} : { ca: readFileSync(tlsCa) }
  return { cert: readFileSync(tlsCert), key: readFileSync(tlsKey), ...ca, requireClientCert: tlsRequireClientCert }
}

/** The handlers of the user, with tokens before them and the log beside them. */
function handlersOf(users: Handlers, tokens: () => Tokens | undefined, log: Logger): Handlers {
  const handlers: Handlers = {
    // Nothing between the server and a handler that does nothing: the call would cost as much as the rest of a request.
    onSubmit: users === ANSWER_ALL ? users.onSubmit : users.onSubmit.bind(users),
    onOpen(session) {
      log.debug({ session: session.id, remoteAddress: session.remoteAddress }, 'connection opened')
      return users.onOpen?.(session)
    },
    onClose(session, reason, error) {
      logClose(log, session, reason, error)
      return users.onClose?.(session, reason, error)
    },
    onError(error, session) {
      log.error({ session: session.id, error: textOf(error) }, 'a handler failed')
      return users.onError?.(error, session)
    },
  }
  if (tokens() === undefined && users.onConn === undefined) return handlers
  return {
    ...handlers,
    onConn(conn, session) {
      if (tokens()?.accept(conn.payload) === false) return 1
      return users.onConn?.(conn, session)
    },
  }
}

/** Not everything that is thrown has a text of its own. */
function textOf(thrown: unknown): string {
  return thrown instanceof Error ? String(thrown) : inspect(thrown)
}

/** @throws ExitError that names the flag */
function complaining<Value>(flag: string, work: () => Value): Value {
  try {
    return work()
  } catch (error) {
    throw new ExitError(ExitStatus.usage, `${flag}: ${(error as Error).message}`)
  }
}

/** @throws ExitError; all other options were looked at when they were read */
function orComplain<Value>(work: () => Value): Value {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ServerOptionError) || error.option !== 'tls') throw error
    throw new ExitError(ExitStatus.usage, `--tls-cert ${error.message.slice('tls '.length)}`)
  }
}
