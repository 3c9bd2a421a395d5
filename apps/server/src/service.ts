import { inspect } from 'node:util'
import { createServerMetrics, type ServerMetrics } from '@demo/metrics'
import {
  createServer,
  type HandlerOutcome,
  type Handlers,
  InternalError,
  type Server,
  takesContext,
} from '@demo/server'
import type { Logger } from 'pino'
import { serverOptions, VERSION } from './config.ts'
import type { Config } from './flags.ts'
import { ANSWER_ALL } from './handler-module.ts'
import { logClose } from './log.ts'
import type { Secrets } from './secrets.ts'
import { Tokens } from './tokens.ts'

/** What one process serves with: the server, and what can be renewed while it runs. */
export interface Service {
  readonly server: Server
  readonly metrics: ServerMetrics
  /** Takes other secrets in place of the old; what is not among them stays. */
  renew(secrets: Secrets): void
}

/**
 * Makes the server that a configuration describes. It does not listen yet.
 *
 * @param users the handlers, or {@link ANSWER_ALL}
 * @param secrets whatever the configuration names files for
 * @param onConnections called with how many there are, when a connection was accepted or is gone
 */
export function createService(
  config: Config,
  users: Handlers,
  secrets: Secrets,
  log: Logger,
  onConnections?: (open: number) => void,
): Service {
  let tokens = secrets.tokens && new Tokens(secrets.tokens)
  const metrics = createServerMetrics({ version: VERSION })
  const handlers = handlersOf(users, () => tokens, log)
  // Who answers all looks at no packet: reading need not keep them.
  const reuseReadBuffer = users === ANSWER_ALL || config.reuseReadBuffer
  const tls = secrets.tls === undefined ? {} : { tls: secrets.tls }
  const observer = onConnections === undefined ? metrics : Object.assign(metrics, { connections: onConnections })
  const server = createServer(handlers, { ...serverOptions(config), reuseReadBuffer, observer, ...tls })
  return {
    server,
    metrics,
    renew(renewed) {
      if (renewed.tokens !== undefined) {
        tokens = new Tokens(renewed.tokens)
        log.info({ what: 'tokens' }, 'reloaded')
      }
      if (renewed.tls !== undefined) {
        server.renewTls(renewed.tls)
        log.info({ what: 'certificates' }, 'reloaded')
      }
    },
  }
}

/** The user's `onSubmit` with its own `this`. It is declared as the user's is, so that a context is made only if that takes one. */
function submitOf(users: Handlers): Handlers['onSubmit'] {
  if (takesContext(users.onSubmit)) return (submit, context) => users.onSubmit(submit, context)
  const onSubmit = users.onSubmit as (submit: Parameters<Handlers['onSubmit']>[0]) => HandlerOutcome
  return (submit) => onSubmit.call(users, submit)
}

/** The handlers of the user, with tokens before them and the log beside them. */
function handlersOf(users: Handlers, tokens: () => Tokens | undefined, log: Logger): Handlers {
  const handlers: Handlers = {
    // Nothing between the server and a handler that does nothing: the call would cost as much as the rest of a request.
    onSubmit: users === ANSWER_ALL ? users.onSubmit : submitOf(users),
    onOpen(session) {
      log.debug({ session: session.id, remoteAddress: session.remoteAddress }, 'connection opened')
      return users.onOpen?.(session)
    },
    onClose(session, reason, error) {
      logClose(log, session, reason, error)
      return users.onClose?.(session, reason, error)
    },
    onError(error, session) {
      if (error instanceof InternalError) {
        log.error({ session: session.id, error: error.message, stack: error.stack }, 'the server failed')
      } else log.error({ session: session.id, error: textOf(error) }, 'a handler failed')
      return users.onError?.(error, session)
    },
  }
  if (tokens() === undefined && users.onConn === undefined) return handlers
  return {
    ...handlers,
    onConn(conn, context) {
      if (tokens()?.accept(conn.payload) === false) return 1
      return users.onConn?.(conn, context)
    },
  }
}

/** Not everything that is thrown has a text of its own. */
function textOf(thrown: unknown): string {
  return thrown instanceof Error ? String(thrown) : inspect(thrown)
}
