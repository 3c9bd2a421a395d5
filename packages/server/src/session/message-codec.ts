import type { FrameFormat, FrameReader } from '@demo/frame'
import { CodecError, ProtocolError } from '../api/server-errors.ts'

/** A user's protocol on the wire: its frames, and what is in them. */
export interface MessageCodec<Message, Reply> {
  /** How the stream is cut into frames, for example `lengthPrefixed({ lengthBytes: 2 })` of `@demo/frame`. */
  readonly frames: FrameFormat

  /**
   * Makes a message of a frame's payload: `bytes` from `start` to `end`. The bytes stay as they are (unless
   * `reuseReadBuffer` is on: then until the handler returns), and keep the whole chunk in memory that they came in, up to
   * 64 KiB.
   *
   * @throws ProtocolError for a message that breaks the protocol: the connection is closed as `packet-error`. Anything
   *   else that is thrown is a bug of the codec: it is reported to `onError`, and closes this connection as
   *   `internal-error`
   */
  decode(bytes: Uint8Array, start: number, end: number): Message

  /** The payload of the frame of a reply. It is copied before anything else is encoded: the bytes may be used again. */
  encode(reply: Reply): Uint8Array
}

/** Calls a user's codec: what comes out of it is right, or a known error. */
export class CheckedCodec<Message, Reply> {
  readonly frames: FrameFormat
  readonly #codec: MessageCodec<Message, Reply>

  constructor(codec: MessageCodec<Message, Reply>) {
    this.#codec = codec
    this.frames = codec.frames
  }

  /**
   * Makes a message of the payload that a reader found.
   *
   * @throws ProtocolError, CodecError
   */
  decode(reader: FrameReader): Message {
    try {
      return this.#codec.decode(reader.bytes, reader.start, reader.end)
    } catch (error) {
      throw error instanceof ProtocolError ? error : new CodecError('decode', error)
    }
  }

  /** @throws CodecError */
  encode(reply: Reply): Uint8Array {
    let payload: unknown
    try {
      payload = this.#codec.encode(reply)
      if (payload instanceof Uint8Array) {
        // Whether the format can express its length is known now, and not when it is sent.
        this.frames.encodedLength(payload.length)
        return payload
      }
    } catch (error) {
      throw new CodecError('encode', error)
    }
    throw new CodecError('encode', new TypeError(`it returned ${typeof payload}: expected a Uint8Array`))
  }
}
