import type { BytesLike, NewBytes } from './bytes.ts'
import type { CommandId } from './command-id.ts'
import { BODY_OFFSET, COMMAND_LENGTH, RESPONSE_LENGTH } from './layout.ts'
import { readSerial } from './packet-id.ts'

// A view is made of bytes that hold the whole packet, so each byte is a number: `as number` costs nothing here, on the path
// of a packet.

/** Opens a connection; optional unless the server requires it. The payload carries credentials. */
export interface Conn {
  readonly command: typeof CommandId.Conn
  /** Eight characters of one byte each (latin1): the request's serial number in decimal digits. */
  readonly id: string
  /** Opaque bytes; by convention a bearer token in UTF-8. */
  readonly payload: BytesLike
}

/** A request. */
export interface Submit {
  readonly command: typeof CommandId.Submit
  /** Eight characters of one byte each (latin1): the request's serial number in decimal digits. */
  readonly id: string
  readonly payload: BytesLike
}

/** The response to a Conn. */
export interface ConnAck {
  readonly command: typeof CommandId.ConnAck
  /** The ID of the request, byte for byte. */
  readonly id: string
  /** 0 is success; 1 to 255 are failure. */
  readonly result: number
}

/** The response to a Submit. */
export interface SubmitAck {
  readonly command: typeof CommandId.SubmitAck
  /** The ID of the request, byte for byte. */
  readonly id: string
  /** 0 is success; 1 to 255 are failure. */
  readonly result: number
}

/** Any packet as plain values: what a codec encodes. */
export type Packet = Conn | Submit | ConnAck | SubmitAck

/** A Conn as a codec decodes it. */
export type ConnView = RequestView<typeof CommandId.Conn>
/** A Submit as a codec decodes it. */
export type SubmitView = RequestView<typeof CommandId.Submit>
/** A ConnAck as a codec decodes it. */
export type ConnAckView = ResponseView<typeof CommandId.ConnAck>
/** A SubmitAck as a codec decodes it. */
export type SubmitAckView = ResponseView<typeof CommandId.SubmitAck>
/** Any packet as a codec decodes it. */
export type PacketView = ConnView | SubmitView | ConnAckView | SubmitAckView

/**
 * A view on a request: nothing is copied or decoded until it is read. The view keeps its whole chunk in memory, up to
 * 64 KiB from a socket. Keep a {@link copy} instead if you keep it for long.
 */
export class RequestView<
  Command extends typeof CommandId.Conn | typeof CommandId.Submit,
  Bytes extends Uint8Array = Uint8Array,
> {
  /** The bytes that hold the packet. */
  readonly bytes: Bytes
  /** Where the packet begins in {@link bytes}: its command ID. */
  readonly start: number
  /** Where the packet ends in {@link bytes}, exclusive. */
  readonly end: number

  constructor(bytes: Bytes, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  /** Which request it is: the same number in all dialects. */
  get command(): Command {
    return this.bytes[this.start] as Command
  }

  /** The eight bytes of the ID as latin1 text. */
  get id(): string {
    return readId(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** The ID as a number, or -1 when it is not eight digits. */
  get serial(): number {
    return readSerial(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** The payload, as a new view on {@link bytes} at each call. */
  get payload(): Bytes {
    return this.bytes.subarray(this.start + BODY_OFFSET, this.end) as Bytes
  }

  /** The length of the payload in bytes; makes no view. */
  get payloadLength(): number {
    return this.end - this.start - BODY_OFFSET
  }

  /** The same packet in its own bytes. */
  copy(): RequestView<Command, NewBytes> {
    return new RequestView(Uint8Array.prototype.slice.call(this.bytes, this.start, this.end), 0, this.end - this.start)
  }
}

/** A view on a response, as {@link RequestView}. */
export class ResponseView<
  Command extends typeof CommandId.ConnAck | typeof CommandId.SubmitAck,
  Bytes extends Uint8Array = Uint8Array,
> {
  /** Which response it is, by the number in the specification, in any dialect. */
  readonly command: Command
  /** The bytes that hold the packet. */
  readonly bytes: Bytes
  /** Where the packet begins in {@link bytes}: its command ID. */
  readonly start: number

  constructor(command: Command, bytes: Bytes, start: number) {
    this.command = command
    this.bytes = bytes
    this.start = start
  }

  /** The eight bytes of the ID as latin1 text. */
  get id(): string {
    return readId(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** The ID as a number, or -1 when it is not eight digits. */
  get serial(): number {
    return readSerial(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** 0 is success; 1 to 255 are failure. */
  get result(): number {
    return this.bytes[this.start + BODY_OFFSET] as number
  }

  /** The same packet in its own bytes. */
  copy(): ResponseView<Command, NewBytes> {
    const end = this.start + RESPONSE_LENGTH
    return new ResponseView(this.command, Uint8Array.prototype.slice.call(this.bytes, this.start, end), 0)
  }
}

function readId(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    bytes[at] as number,
    bytes[at + 1] as number,
    bytes[at + 2] as number,
    bytes[at + 3] as number,
    bytes[at + 4] as number,
    bytes[at + 5] as number,
    bytes[at + 6] as number,
    bytes[at + 7] as number,
  )
}
