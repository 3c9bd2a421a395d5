import { type BytesLike, bytesOf } from './bytes.ts'
import { CommandId } from './command-id.ts'
import { ACK_COMMANDS, type Dialect } from './dialect.ts'
import { COMMAND_LENGTH, MIN_REQUEST_LENGTH, RESPONSE_LENGTH } from './layout.ts'
import { type ConnAckView, type PacketView, RequestView, ResponseView, type SubmitAckView } from './packet.ts'
import { PacketError } from './packet-error.ts'

/** The decoders of one dialect. */
export interface Decoders {
  decode(bytes: BytesLike, start?: number, end?: number): PacketView
  decodeAck(bytes: BytesLike, start?: number, end?: number): ConnAckView | SubmitAckView
  decodeUnchecked(bytes: Uint8Array, start: number, end: number): PacketView
  decodeAckUnchecked(bytes: Uint8Array, start: number, end: number): ConnAckView | SubmitAckView
}

export function createDecoders(dialect: Dialect): Decoders {
  const { connAck, submitAck } = ACK_COMMANDS[dialect]

  // The most frequent packet comes first, and all others are in another function. So each function is small enough for the
  // compiler to inline it into the loop that calls it.
  const decodeUnchecked: Decoders['decodeUnchecked'] = (bytes, start, end) => {
    if (bytes[start] === CommandId.Submit && end - start >= MIN_REQUEST_LENGTH) {
      return new RequestView<typeof CommandId.Submit>(bytes, start, end)
    }
    return decodeOther(bytes, start, end)
  }
  const decodeAckUnchecked: Decoders['decodeAckUnchecked'] = (bytes, start, end) => {
    if (bytes[start] === submitAck && end - start === RESPONSE_LENGTH) {
      return new ResponseView(CommandId.SubmitAck, bytes, start)
    }
    return ackOf(decodeOther(bytes, start, end))
  }
  return {
    decode(bytes, start = 0, end = lengthOf(bytes)) {
      return bytes instanceof Uint8Array ? decodeUnchecked(bytes, start, end) : decodeOther(bytes, start, end)
    },
    decodeAck(bytes, start = 0, end = lengthOf(bytes)) {
      return bytes instanceof Uint8Array ? decodeAckUnchecked(bytes, start, end) : ackOf(decodeOther(bytes, start, end))
    },
    decodeUnchecked,
    decodeAckUnchecked,
  }

  function decodeOther(source: BytesLike, start: number, end: number): PacketView {
    const bytes = source instanceof Uint8Array && source.length > 0 ? source : bytesOf(source, 'bytes')
    const length = end - start
    const command = bytes[start]
    if (length < COMMAND_LENGTH || command === undefined) {
      throw new PacketError('ERR_PACKET_MALFORMED', 'the packet is empty: it has no command ID')
    }
    if (command === submitAck) {
      if (length !== RESPONSE_LENGTH) throw wrongLength('SubmitAck', length)
      return new ResponseView(CommandId.SubmitAck, bytes, start)
    }
    if (command === CommandId.Conn) {
      if (length < MIN_REQUEST_LENGTH) throw tooShort('Conn', length)
      return new RequestView<typeof CommandId.Conn>(bytes, start, end)
    }
    if (command === connAck) {
      if (length !== RESPONSE_LENGTH) throw wrongLength('ConnAck', length)
      return new ResponseView(CommandId.ConnAck, bytes, start)
    }
    if (command === CommandId.Submit) {
      if (length < MIN_REQUEST_LENGTH) throw tooShort('Submit', length)
      return new RequestView<typeof CommandId.Submit>(bytes, start, end)
    }
    throw unknownCommand(command, dialect)
  }
}

function lengthOf(bytes: BytesLike): number {
  return (bytes instanceof Uint8Array ? bytes : bytesOf(bytes, 'bytes')).length
}

function ackOf(packet: PacketView): ConnAckView | SubmitAckView {
  if (packet.command === CommandId.SubmitAck || packet.command === CommandId.ConnAck) return packet
  throw new PacketError('ERR_PACKET_UNEXPECTED', 'a client received a request')
}

function tooShort(name: string, length: number): PacketError {
  return new PacketError(
    'ERR_PACKET_MALFORMED',
    `invalid ${name} of ${length} bytes: expected at least ${MIN_REQUEST_LENGTH}, for command and ID`,
  )
}

function wrongLength(name: string, length: number): PacketError {
  return new PacketError('ERR_PACKET_MALFORMED', `invalid ${name} of ${length} bytes: expected ${RESPONSE_LENGTH}`)
}

function unknownCommand(command: number, dialect: Dialect): PacketError {
  const other: Dialect = dialect === 'specification' ? 'go-demo' : 'specification'
  const known = Object.values(ACK_COMMANDS[other]).includes(command)
  const hint = known ? `; the peer seems to speak the ${other} dialect` : ''
  const hex = `0x${command.toString(16).padStart(2, '0')}`
  return new PacketError('ERR_PACKET_UNKNOWN_COMMAND', `${hex} is not a command of the ${dialect} dialect${hint}`)
}
