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
import { serverOptions, VERSION } from '../config/config.ts'
import type { Config } from '../config/flags.ts'
import { ANSWER_ALL } from '../handlers/handler-module.ts'
import { errorText } from '../logging/error-text.ts'
import type { Secrets } from '../secrets/secret-files.ts'
import { Tokens } from '../secrets/tokens.ts'
import { logClose } from './log-close.ts'

/** The server of one process, with its metrics and its secrets. */
export interface Service {
  readonly server: Server
  readonly metrics: ServerMetrics
  /** Replaces secrets while the server runs. What is not among the new ones stays. */
  renew(secrets: Secrets): void
}

/**
 * Makes the server of a configuration. It does not listen yet.
 *
 * @param users the user's handlers, or {@link ANSWER_ALL}
 * @param secrets what is in the files that the configuration names
 * @param onConnections called with the number of open connections when it changes
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
  // ANSWER_ALL looks at no packet.
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

/** The user's `onSubmit` with its own `this`, and with as many parameters: a context is made only for two of them. */
function submitOf(users: Handlers): Handlers['onSubmit'] {
  if (takesContext(users.onSubmit)) return (submit, context) => users.onSubmit(submit, context)
  const onSubmit = users.onSubmit as (submit: Parameters<Handlers['onSubmit']>[0]) => HandlerOutcome
  return (submit) => onSubmit.call(users, submit)
}

/** The user's handlers, with the check of tokens and with logging. */
function handlersOf(users: Handlers, tokens: () => Tokens | undefined, log: Logger): Handlers {
  const handlers: Handlers = {
    // No wrapper around ANSWER_ALL: the extra call would cost as much as the rest of a request.
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
      } else log.error({ session: session.id, error: errorText(error, 'name') }, 'a handler failed')
      return users.onError?.(error, session)
    },
  }
  if (users.onTick !== undefined) handlers.onTick = users.onTick.bind(users)
  if (tokens() === undefined && users.onConn === undefined) return handlers
  return {
    ...handlers,
    onConn(conn, context) {
      if (tokens()?.accept(conn.payload) === false) return 1
      return users.onConn?.(conn, context)
    },
  }
}
