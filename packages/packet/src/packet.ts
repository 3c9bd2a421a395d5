import { CommandId } from './command-id.ts'
import { BODY_OFFSET, COMMAND_LENGTH } from './layout.ts'
import { readPacketId } from './packet-id.ts'

/** Opens a connection; optional unless the server requires it. The payload carries credentials. */
export interface Conn {
  readonly command: typeof CommandId.Conn
  /** Eight characters of one byte each (latin1): the request's serial number in decimal digits. */
  readonly id: string
  /** Opaque bytes; by convention a bearer token in UTF-8. */
  readonly payload: Uint8Array
}

/** A request. */
export interface Submit {
  readonly command: typeof CommandId.Submit
  /** Eight characters of one byte each (latin1): the request's serial number in decimal digits. */
  readonly id: string
  readonly payload: Uint8Array
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

/** Any packet as a codec decodes it. */
export type PacketView = ConnView | SubmitView | ConnAckView | SubmitAckView

/** A request as a codec decodes it. */
export type RequestView = ConnView | SubmitView

/**
 * A packet where it lies: nothing is copied or decoded until it is read. The bytes are valid for as long as anybody
 * holds the view, and are kept in memory by it, together with the whole chunk they came in (up to 64 KiB from a
 * socket). What must live long is better held as a `copy()`.
 */
abstract class View {
  /** The bytes that hold the packet. */
  readonly bytes: Uint8Array
  /** Where the packet begins in {@link bytes}: its command ID. */
  readonly start: number
  /** Where the packet ends in {@link bytes}, exclusive. */
  readonly end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  /** The eight bytes of the ID as latin1 text. */
  get id(): string {
    const { bytes } = this
    const at = this.start + COMMAND_LENGTH
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

  /** The number that the ID's digits stand for, or -1 when they are not eight digits. */
  get serial(): number {
    return readPacketId(this.bytes, this.start + COMMAND_LENGTH)
  }
}

abstract class PayloadView extends View {
  /** The payload as a view on {@link bytes}, made anew at each reading. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.start + BODY_OFFSET, this.end)
  }

  /** The length of the payload in bytes; costs nothing. */
  get payloadLength(): number {
    return this.end - this.start - BODY_OFFSET
  }
}

abstract class ResultView extends View {
  /** 0 is success; whatever else, up to 255, is failure. */
  get result(): number {
    return this.bytes[this.start + BODY_OFFSET]
  }
}

/** A decoded {@link Conn}. */
export class ConnView extends PayloadView implements Conn {
  get command(): typeof CommandId.Conn {
    return CommandId.Conn
  }

  /** The same packet on bytes of its own. */
  copy(): ConnView {
    return new ConnView(this.bytes.slice(this.start, this.end), 0, this.end - this.start)
  }
}

/** A decoded {@link Submit}. */
export class SubmitView extends PayloadView implements Submit {
  get command(): typeof CommandId.Submit {
    return CommandId.Submit
  }

  /** The same packet on bytes of its own. */
  copy(): SubmitView {
    return new SubmitView(this.bytes.slice(this.start, this.end), 0, this.end - this.start)
  }
}

/** A decoded {@link ConnAck}. */
export class ConnAckView extends ResultView implements ConnAck {
  get command(): typeof CommandId.ConnAck {
    return CommandId.ConnAck
  }

  /** The same packet on bytes of its own. */
  copy(): ConnAckView {
    return new ConnAckView(this.bytes.slice(this.start, this.end), 0, this.end - this.start)
  }
}

/** A decoded {@link SubmitAck}. */
export class SubmitAckView extends ResultView implements SubmitAck {
  get command(): typeof CommandId.SubmitAck {
    return CommandId.SubmitAck
  }

  /** The same packet on bytes of its own. */
  copy(): SubmitAckView {
    return new SubmitAckView(this.bytes.slice(this.start, this.end), 0, this.end - this.start)
  }
}
