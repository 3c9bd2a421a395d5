import { FrameDecoder, FrameError } from '@demo/frame'
import {
  CommandId,
  type ConnAckView,
  createPacketCodec,
  type Dialect,
  type PacketCodec,
  PacketError,
  type SubmitAckView,
} from '@demo/packet'
import { ClientError } from '../common/client-error.ts'

/** Decodes the responses in the bytes of a server. Its protocol errors are faults of the server only. */
export class AckReader {
  readonly #decoder = new FrameDecoder()
  readonly #codec: PacketCodec

  constructor(codec: PacketCodec) {
    this.#codec = codec
  }

  /**
   * Takes a chunk. Call `next` until it returns undefined: then the chunk is no longer used.
   *
   * @throws ClientError `ERR_CLIENT_PROTOCOL`
   */
  push(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      throw this.#toClientError(error)
    }
  }

  /**
   * The next response, valid until the next call; undefined when more bytes are needed.
   *
   * @throws ClientError `ERR_CLIENT_PROTOCOL`
   */
  next(): ConnAckView | SubmitAckView | undefined {
    const decoder = this.#decoder
    try {
      return decoder.next() ? this.#codec.decodeAckUnchecked(decoder.bytes, decoder.start, decoder.end) : undefined
    } catch (error) {
      throw this.#toClientError(error)
    }
  }

  #toClientError(error: unknown): unknown {
    return isPeerError(error) ? protocolError(error, this.#otherDialect(error)) : error
  }

  /** The other dialect, if the packet is invalid in ours and a response in that one. */
  #otherDialect(error: unknown): Dialect | undefined {
    if (!(error instanceof PacketError && error.code === 'ERR_PACKET_UNKNOWN_COMMAND')) return undefined
    const dialect = this.#codec.dialect === 'specification' ? 'go-demo' : 'specification'
    const { bytes, start, end } = this.#decoder
    try {
      createPacketCodec({ dialect }).decode(bytes, start, end)
      return dialect
    } catch {
      return undefined
    }
  }

  /**
   * Ends the stream.
   *
   * @throws ClientError `ERR_CLIENT_PROTOCOL` when it ended inside a frame
   */
  finish(): void {
    try {
      this.#decoder.finish()
    } catch (error) {
      throw this.#toClientError(error)
    }
  }
}

const isPeerError = (error: unknown): error is FrameError | PacketError =>
  error instanceof FrameError || error instanceof PacketError

function protocolError(error: FrameError | PacketError, dialect?: Dialect): ClientError {
  const message = `the server broke the protocol: ${error.message}`
  return new ClientError('ERR_CLIENT_PROTOCOL', message, { cause: error, dialect })
}

/**
 * The error of a response without a request: its ID is unknown, or was answered before, or it answers another command.
 *
 * @param asked the command of the request in flight with this ID, if there is one
 */
export function unexpectedAck(ack: ConnAckView | SubmitAckView, asked: CommandId | undefined): ClientError {
  const name = ack.command === CommandId.ConnAck ? 'ConnAck' : 'SubmitAck'
  const what = `a ${name} with the ID ${JSON.stringify(ack.id)} answers no request in flight`
  const dialect = dialectOf(ack, asked)
  const hint = dialect === undefined ? '' : `; the server seems to answer in the ${dialect} dialect`
  return protocolError(new PacketError('ERR_PACKET_UNEXPECTED', what + hint), dialect)
}

/** The two dialects use one number for different responses, so an answer to the wrong command shows the dialect. */
function dialectOf(ack: ConnAckView | SubmitAckView, asked: CommandId | undefined): Dialect | undefined {
  if (asked === CommandId.Submit && ack.command === CommandId.ConnAck) return 'go-demo'
  if (asked === CommandId.Conn && ack.command === CommandId.SubmitAck) return 'specification'
  return undefined
}
