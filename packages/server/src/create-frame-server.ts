import type { FrameDecoderOptions, FrameFormat } from '@demo/frame'
import type { RequestContext } from './api/request-context.ts'
import type { MessageSession as PublicMessageSession } from './api/session.ts'
import { type CheckedCommonOptions, checkCommonOptions } from './check-options.ts'
import { checkHandlers, HandlerCaller } from './handlers/handler-caller.ts'
import type { SessionHandlers } from './handlers/handlers.ts'
import { takesContext } from './handlers/takes-context.ts'
import { messageOf, show } from './internal/format-value.ts'
import { createMessageBuffer } from './io/message-outbound.ts'
import { ServerOptionError } from './option-error.ts'
import type { CommonServerOptions } from './options.ts'
import type { Server } from './server.ts'
import { CheckedCodec, type MessageCodec } from './session/message-codec.ts'
import { type MessageContext, MessageSession } from './session/message-session.ts'
import { SessionServer } from './session-server.ts'

/** The codec and the handlers of a server of a user's protocol. */
export interface FrameServerHandlers<Message, Reply, Data = unknown>
  extends SessionHandlers<PublicMessageSession<Data, Reply>> {
  /** The frames, messages and replies on the wire. */
  readonly codec: MessageCodec<Message, Reply>

  /**
   * A message was received. The returned value is the reply; without one there is no reply. A promise is replied to when it
   * settles. No context is made for a handler that declares no second parameter.
   */
  onMessage(
    message: Message,
    context: RequestContext<Data, PublicMessageSession<Data, Reply>>,
  ): Reply | undefined | void | Promise<Reply | undefined | void>

  /**
   * Makes the reply to a message whose handler failed: it threw, rejected, overran `handlerTimeout`, or its reply could not be
   * encoded. Without it, or if it returns nothing, the connection is closed as `handler-failed`, after the replies to earlier
   * messages. If replies are ordered, later messages are not answered: the peer would mistake their replies for the missing
   * one.
   */
  failureReply?(error: unknown, message: Message): Reply | undefined
}

/** Options of {@link createFrameServer}. */
export interface FrameServerOptions extends CommonServerOptions {
  /**
   * Whether replies leave in the order of their messages. If false, they leave as their handlers settle: for protocols whose
   * replies identify their message.
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
 * @throws TypeError when a handler is not a function, or the codec is incomplete
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
      onClosed: (session) => server.remove(session),
    }
    return (id, connection) => new MessageSession(id, connection, context)
  })
}

/**
 * The limit of the format counts, unless the server has its own. A limit that the format refuses fails here, and not with the
 * first connection.
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
    const problem = `codec.frames refuses ${maxFrameLength}: ${messageOf(error)}`
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
