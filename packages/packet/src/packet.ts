import type { BytesLike, NewBytes } from './bytes.ts'
import type { CommandId } from './command-id.ts'
import { BODY_OFFSET, COMMAND_LENGTH, RESPONSE_LENGTH } from './layout.ts'
import { readSerial } from './packet-id.ts'

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
  /** 0 is success; whatever else, up to 255, is failure. */
  readonly result: number
}

/** The response to a Submit. */
export interface SubmitAck {
  readonly command: typeof CommandId.SubmitAck
  /** The ID of the request, byte for byte. */
  readonly id: string
  /** 0 is success; whatever else, up to 255, is failure. */
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
 * A request where it lies: nothing is copied or decoded until it is read. The bytes are valid for as long as anybody
 * holds the view, and are kept in memory by it, together with the whole chunk they came in (up to 64 KiB from a
 * socket). What must live long is better held as a {@link copy}.
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

  /** The number that the ID's digits stand for, or -1 when they are not eight digits. */
  get serial(): number {
    return readSerial(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** The payload as a view on {@link bytes}, made anew at each reading. */
  get payload(): Bytes {
    return this.bytes.subarray(this.start + BODY_OFFSET, this.end) as Bytes
  }

  /** The length of the payload in bytes; costs nothing. */
  get payloadLength(): number {
    return this.end - this.start - BODY_OFFSET
  }

  /** The same packet on bytes of its own. */
  copy(): RequestView<Command, NewBytes> {
    return new RequestView(Uint8Array.prototype.slice.call(this.bytes, this.start, this.end), 0, this.end - this.start)
  }
}

/** A response where it lies. What is said of {@link RequestView} holds here. */
export class ResponseView<
  Command extends typeof CommandId.ConnAck | typeof CommandId.SubmitAck,
  Bytes extends Uint8Array = Uint8Array,
> {
  /** Which response it is, as the specification numbers it, whatever the dialect puts on the wire. */
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

  /** The number that the ID's digits stand for, or -1 when they are not eight digits. */
  get serial(): number {
    return readSerial(this.bytes, this.start + COMMAND_LENGTH)
  }

  /** 0 is success; whatever else, up to 255, is failure. */
  get result(): number {
    return this.bytes[this.start + BODY_OFFSET]
  }

  /** The same packet on bytes of its own. */
  copy(): ResponseView<Command, NewBytes> {
    const end = this.start + RESPONSE_LENGTH
    return new ResponseView(this.command, Uint8Array.prototype.slice.call(this.bytes, this.start, end), 0)
  }
}

function readId(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    bytes[at],
    bytes[at + 1],
    bytes[at + 2],
    bytes[at + 3],
    bytes[at + 4],
    bytes[at + 5],
    bytes[at + 6],
    bytes[at + 7],
  )
}
