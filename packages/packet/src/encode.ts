import { type BytesLike, bytesOf, type NewBytes } from './bytes.ts'
import { CommandId } from './command-id.ts'
import { ACK_COMMANDS, type Dialect } from './dialect.ts'
import { BODY_OFFSET, COMMAND_LENGTH, ID_LENGTH, RESPONSE_LENGTH } from './layout.ts'
import type { ConnAck, ConnView, Packet, SubmitAck, SubmitView } from './packet.ts'
import { PacketError } from './packet-error.ts'

/** The length of the encoded packet in bytes. */
export function encodedLength(packet: Packet): number {
  return lengthWith(payloadOf(packet))
}

function lengthWith(payload: Uint8Array | undefined): number {
  return payload === undefined ? RESPONSE_LENGTH : BODY_OFFSET + payload.length
}

/** The payload of a request, undefined for a response. Only the command decides which it is. */
function payloadOf(packet: Packet): Uint8Array | undefined {
  if (packet.command !== CommandId.Submit && packet.command !== CommandId.Conn) return undefined
  const { payload } = packet
  return payload instanceof Uint8Array && payload.length > 0 ? payload : bytesOf(payload, 'payload')
}

/** The encoders of one dialect: into new bytes, and into existing bytes. */
export interface Encoders {
  encode(packet: Packet): NewBytes
  encodeInto(packet: Packet, target: BytesLike, offset: number): number
}

export function createEncoders(dialect: Dialect): Encoders {
  const { connAck, submitAck } = ACK_COMMANDS[dialect]
  const wire: Record<CommandId, number> = {
    [CommandId.Conn]: CommandId.Conn,
    [CommandId.Submit]: CommandId.Submit,
    [CommandId.ConnAck]: connAck,
    [CommandId.SubmitAck]: submitAck,
  }

  return {
    encode(packet) {
      const payload = payloadOf(packet)
      const bytes = new Uint8Array(lengthWith(payload))
      write(packet, payload, bytes, 0)
      return bytes
    },
    encodeInto(packet, target, offset) {
      const bytes = target instanceof Uint8Array ? target : bytesOf(target, 'target')
      const payload = payloadOf(packet)
      checkRoom(lengthWith(payload), bytes, offset)
      return write(packet, payload, bytes, offset)
    },
  }

  function write(packet: Packet, payload: Uint8Array | undefined, bytes: Uint8Array, offset: number): number {
    const command: number | undefined = wire[packet.command]
    if (command === undefined) {
      throw new PacketError(
        'ERR_PACKET_INVALID',
        `invalid command ${String(packet.command)}: expected one of CommandId`,
      )
    }
    bytes[offset] = command
    writeId(packet.id, bytes, offset + COMMAND_LENGTH)
    const at = offset + BODY_OFFSET
    if (payload !== undefined) {
      bytes.set(payload, at)
      return at + payload.length
    }
    const { result } = packet as ConnAck | SubmitAck
    if (!(Number.isInteger(result) && result >= 0 && result <= 0xff)) {
      throw new PacketError('ERR_PACKET_INVALID', `invalid result ${result}: expected an integer from 0 to 255`)
    }
    bytes[at] = result
    return at + 1
  }
}

/** The writer of responses of one dialect. */
export function createWriteAck(
  dialect: Dialect,
): (request: ConnView | SubmitView, result: number, target: Uint8Array, offset: number) => number {
  /** The difference between the commands of a response and its request: the same for Conn and Submit. */
  const fromRequest = ACK_COMMANDS[dialect].submitAck - CommandId.Submit

  return function writeAck(request, result, target, offset) {
    if (offset + RESPONSE_LENGTH > target.length) checkRoom(RESPONSE_LENGTH, target, offset)
    const { bytes, start } = request
    target[offset] = (bytes[start] as number) + fromRequest
    // Copying eight bytes one by one is faster than making a view for set(). They lie in the request, so each is a number.
    target[offset + 1] = bytes[start + 1] as number
    target[offset + 2] = bytes[start + 2] as number
    target[offset + 3] = bytes[start + 3] as number
    target[offset + 4] = bytes[start + 4] as number
    target[offset + 5] = bytes[start + 5] as number
    target[offset + 6] = bytes[start + 6] as number
    target[offset + 7] = bytes[start + 7] as number
    target[offset + 8] = bytes[start + 8] as number
    target[offset + 9] = result
    return offset + RESPONSE_LENGTH
  }
}

function writeId(id: string, target: Uint8Array, offset: number): void {
  if (id.length !== ID_LENGTH) throw invalidId(id)
  for (let i = 0; i < ID_LENGTH; i++) {
    const code = id.charCodeAt(i)
    if (code > 0xff) throw invalidId(id)
    target[offset + i] = code
  }
}

function invalidId(id: string): PacketError {
  return new PacketError(
    'ERR_PACKET_INVALID',
    `invalid ID ${JSON.stringify(id)}: expected eight characters of one byte each`,
  )
}

function checkRoom(length: number, target: Uint8Array, offset: number): void {
  if (offset >= 0 && offset + length <= target.length && Number.isInteger(offset)) return
  // A detached target has no room: bytesOf throws the error that says so.
  const room = bytesOf(target, 'target').length
  throw new RangeError(`a packet of ${length} bytes at offset ${offset} does not fit into a target of ${room} bytes`)
}
