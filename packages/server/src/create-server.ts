import { createPacketCodec } from '@demo/packet'
import { checkOptions } from './check-options.ts'
import { checkHandlers, HandlerCaller } from './handlers/handler-caller.ts'
import type { Handlers } from './handlers/handlers.ts'
import { takesContext } from './handlers/takes-context.ts'
import { createAckBuffer } from './io/ack-outbound.ts'
import type { ServerOptions } from './options.ts'
import type { Server } from './server.ts'
import { type SubmitContext, SubmitSession } from './session/submit-session.ts'
import { SessionServer } from './session-server.ts'

/**
 * Makes a server of the protocol of this project: Conn, Submit, and results of one byte.
 *
 * @example
 * const server = createServer({ onSubmit: (submit) => (submit.payloadLength > 0 ? 0 : 1) })
 * await server.listen({ port: 8888 })
 *
 * @throws ServerOptionError when an option is invalid
 * @throws TypeError when a handler is not a function
 */
export function createServer<Data = unknown>(handlers: Handlers<Data>, options: ServerOptions = {}): Server<Data> {
  checkHandlers('createServer', handlers, ['onSubmit'], ['onConn', 'onOpen', 'onClose', 'onError', 'onTick'])
  const checked = checkOptions(options, handlers.onConn !== undefined)
  return new SessionServer<Data, SubmitSession<Data>>(checked, (server) => {
    const { counters, scheduler } = server
    const context: SubmitContext<Data> = {
      options: checked,
      codec: createPacketCodec({ dialect: checked.dialect }),
      handlers: new HandlerCaller(handlers),
      protocol: handlers,
      submitTakesContext: takesContext(handlers.onSubmit),
      takesContext: takesContext(handlers.onSubmit) || (handlers.onConn !== undefined && takesContext(handlers.onConn)),
      ordered: false,
      counters,
      scheduler,
      buffer: createAckBuffer(),
      onClosed: (session) => server.remove(session),
    }
    return (id, connection) => new SubmitSession(id, connection, context)
  })
}
