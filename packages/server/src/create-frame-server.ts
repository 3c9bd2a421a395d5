import type { FrameDecoderOptions, FrameFormat } from '@demo/frame'
import type { RequestContext } from './api/request-context.ts'
import type { MessageSession as PublicMessageSession } from './api/session.ts'
import { type CheckedCommonOptions, checkCommonOptions } from './check-options.ts'
import { checkHandlers, HandlerCaller } from './handlers/handler-caller.ts'
import type { SessionHandlers } from './handlers/handlers.ts'
import { takesContext } from './handlers/takes-context.ts'
import { show } from './internal/format-value.ts'
import { createMessageBuffer } from './io/message-outbound.ts'
import { ServerOptionError } from './option-error.ts'
import type { CommonServerOptions } from './options.ts'
import type { Server } from './server.ts'
import { CheckedCodec, type MessageCodec } from './session/message-codec.ts'
import { type MessageContext, MessageSession } from './session/message-session.ts'
import { SessionServer } from './session-server.ts'

/** What a server of a user's protocol does. */
export interface FrameServerHandlers<Message, Reply, Data = unknown>
  extends SessionHandlers<PublicMessageSession<Data, Reply>> {
  /** How messages and replies look on the wire. */
  readonly codec: MessageCodec<Message, Reply>

  /**
   * A message came. What is returned is the reply; nothing: there is none. A promise is replied to when it settles. A
   * handler that declares no second parameter has no context made for it.
   */
  onMessage(
    message: Message,
    context: RequestContext<Data, PublicMessageSession<Data, Reply>>,
  ): Reply | undefined | void | Promise<Reply | undefined | void>

  /**
   * The reply to a message whose handler failed: it threw, rejected, overran `handlerTimeout`, or its reply could not be
   * encoded. Without it, and where it returns nothing, the connection is closed as `handler-failed`, after the replies to
   * what came before. What came after is not answered where replies are ordered: its replies would be taken for the one
   * that is missing.
   */
  failureReply?(error: unknown, message: Message): Reply | undefined
}

/** Options of {@link createFrameServer}. */
export interface FrameServerOptions extends CommonServerOptions {
  /**
   * Whether replies leave in the order of their messages. Without it they leave as their handlers settle: for protocols
   * whose replies say what they reply to.
   *
   * @default true
   */
  ordered?: boolean | undefined
}

/**
 * Makes a server of a protocol of your own: any frames, any messages, any replies. Everything else is as with
 * `createServer`: limits, backpressure, draining, TLS, metrics.
 *
 * @example
 * const server = createFrameServer({
 *   codec: {
 *     frames: lengthPrefixed({ lengthBytes: 2 }),
 *     decode: (bytes, start, end) => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(),
 *     encode: (reply: string) => Buffer.from(reply),
 *   },
 *   onMessage: (message) => message.toUpperCase(),
 * })
 *
 * @throws ServerOptionError when an option is invalid
 * @throws TypeError when a handler is no function, or the codec is incomplete
 */
export function createFrameServer<Message, Reply, Data = unknown>(
  handlers: FrameServerHandlers<Message, Reply, Data>,
  options: FrameServerOptions = {},
): Server<Data, PublicMessageSession<Data, Reply>> {
  const optional = ['onOpen', 'onClose', 'onError', 'onTick', 'failureReply']
  checkHandlers('createFrameServer', handlers, ['onMessage'], optional)
  checkCodec(handlers.codec)
  const { ordered = true, ...common } = options
  if (typeof ordered !== 'boolean') throw new ServerOptionError('ordered', ordered, 'true or false')
  const checked = checkCommonOptions(common, ['ordered'])
  const decoderOptions = decoderOptionsOf(handlers.codec.frames, options, checked)
  return new SessionServer<Data, MessageSession<Data, Message, Reply>>(checked, (server) => {
    const { counters, scheduler } = server
    const context: MessageContext<Data, Message, Reply> = {
      options: checked,
      codec: new CheckedCodec(handlers.codec),
      decoderOptions,
      handlers: new HandlerCaller(handlers),
      protocol: handlers,
      messageTakesContext: takesContext(handlers.onMessage),
      takesContext: takesContext(handlers.onMessage),
      ordered,
      counters,
      scheduler,
      buffer: createMessageBuffer(),
      onClosed: (session) => server.forget(session),
    }
    return (id, connection) => new MessageSession(id, connection, context)
  })
}

/**
 * The limit of the format counts, unless the server is given one of its own. One that the format refuses is known at once,
 * and not with the first connection.
 *
 * @throws ServerOptionError
 */
function decoderOptionsOf(
  frames: FrameFormat,
  { maxFrameLength }: FrameServerOptions,
  checked: CheckedCommonOptions,
): FrameDecoderOptions {
  if (maxFrameLength === undefined) return {}
  const options = { maxFrameLength: checked.maxFrameLength }
  try {
    frames.decoder(options)
  } catch (error) {
    const problem = `codec.frames refuses ${maxFrameLength}: ${error instanceof Error ? error.message : show(error)}`
    throw new ServerOptionError('maxFrameLength', maxFrameLength, 'long enough for the header of a frame', problem)
  }
  return options
}

/** @throws TypeError */
function checkCodec(codec: unknown): void {
  const { frames, decode, encode } = (codec ?? {}) as Partial<MessageCodec<unknown, unknown>>
  if (typeof decode !== 'function') throw invalidCodec('decode', decode, 'a function')
  if (typeof encode !== 'function') throw invalidCodec('encode', encode, 'a function')
  const methods = [frames?.decoder, frames?.encodedLength, frames?.encodeInto]
  if (methods.some((method) => typeof method !== 'function')) {
    throw invalidCodec('frames', frames, "a frame format, for example lengthPrefixed() of '@demo/frame'")
  }
}

function invalidCodec(name: string, value: unknown, expected: string): TypeError {
  return new TypeError(`createFrameServer: invalid codec.${name} ${show(value)}: expected ${expected}`)
}
