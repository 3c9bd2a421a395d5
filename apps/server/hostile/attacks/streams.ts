import type { Random } from '@demo/testkit/random'
import { conn, filler, submit } from '@demo/testkit/wire'

/** The configuration of the server that receives the streams. */
export interface Rules {
  readonly maxFrameLength: number
  /** The payload of the required Conn; undefined if no Conn is required. */
  readonly password: string | undefined
}

/** How a stream must end. */
export interface Verdict {
  readonly reason: 'peer-closed' | 'frame-error' | 'packet-error' | 'unauthorized'
  /** Requests that must be answered, with success but for a refused Conn. */
  readonly answers: number
}

const HEADER = 4
const SHORTEST_REQUEST = 9
const MAX_BEFORE_CONN = 4096

/**
 * How a server must end a stream, by docs/protocol.md. It has the whole stream, is not fast, and shares no code with the
 * server.
 */
export function judge(bytes: Buffer, { maxFrameLength, password }: Rules): Verdict {
  let answers = 0
  let connSeen = false
  let locked = password !== undefined
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at
    if (left < HEADER) return { reason: 'frame-error', answers }
    const length = bytes.readUInt32BE(at)
    const longest = locked ? Math.min(maxFrameLength, MAX_BEFORE_CONN) : maxFrameLength
    if (length < HEADER || length > longest || length > left) return { reason: 'frame-error', answers }
    const packet = bytes.subarray(at + HEADER, at + length)
    at += length
    const [command] = packet
    if (packet.length < SHORTEST_REQUEST) return { reason: 'packet-error', answers }
    if (command === 1 && !connSeen) {
      connSeen = true
      answers += 1
      if (password !== undefined && packet.toString('latin1', SHORTEST_REQUEST) !== password) {
        return { reason: 'unauthorized', answers }
      }
      locked = false
    } else if (command === 2 && !locked) answers += 1
    else return { reason: 'packet-error', answers }
  }
  return { reason: 'peer-closed', answers }
}

/** A stream of a few valid requests with mutations, or of noise. */
export function makeStream(random: Random, { password }: Rules): Buffer {
  if (random.below(8) === 0) return noise(random, random.below(200))
  const parts: string[] = []
  if (password !== undefined || random.below(4) === 0) {
    const said = random.below(8) === 0 ? 'open sesame' : (password ?? 'anything')
    parts.push(conn(0, Buffer.from(said).toString('hex')))
  }
  const requests = random.below(6)
  for (let serial = 1; serial <= requests; serial++) parts.push(submit(serial, filler(random.below(40))))
  let bytes: Buffer = Buffer.from(parts.join(''), 'hex')
  const mutations = random.below(3)
  for (let i = 0; i < mutations; i++) bytes = random.pick(MUTATIONS)(bytes, random)
  return bytes
}

type Mutation = (bytes: Buffer, random: Random) => Buffer

/** Lengths at the edges: around zero, around the limits, around the signs of integers. */
const LENGTHS = [
  0,
  1,
  3,
  4,
  5,
  12,
  13,
  14,
  4095,
  4096,
  4097,
  65_536,
  2 ** 20,
  2 ** 20 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]

const MUTATIONS: readonly Mutation[] = [
  /** A bit is flipped. */
  (bytes, random) => {
    if (bytes.length === 0) return bytes
    const at = random.below(bytes.length)
    bytes[at] = bytes.readUInt8(at) ^ (1 << random.below(8))
    return bytes
  },
  /** A byte is replaced. */
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  /** The end is missing. */
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  /** The beginning is missing. */
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  /** A piece is repeated. */
  (bytes, random) => {
    const [a, b] = [random.below(bytes.length + 1), random.below(bytes.length + 1)]
    return Buffer.concat([bytes.subarray(0, Math.max(a, b)), bytes.subarray(Math.min(a, b))])
  },
  /** Noise is inserted. */
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), noise(random, random.below(20)), bytes.subarray(at)])
  },
  /** A length is replaced. */
  (bytes, random) => {
    const at = frameStarts(bytes)
    if (at.length > 0) bytes.writeUInt32BE(random.pick(LENGTHS), random.pick(at))
    return bytes
  },
  /** A command is replaced. */
  (bytes, random) => {
    const at = frameStarts(bytes)
    if (at.length > 0)
      bytes[Math.min(random.pick(at) + HEADER, bytes.length - 1)] = random.pick([0, 1, 2, 3, 0x80, 0x81, 0x82])
    return bytes
  },
]

function frameStarts(bytes: Buffer): number[] {
  const starts: number[] = []
  for (let at = 0; at + HEADER <= bytes.length; at += Math.max(HEADER, bytes.readUInt32BE(at))) starts.push(at)
  return starts
}

function noise(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = random.below(256)
  return bytes
}

/** The stream in pieces, cut at random places. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.below(2) === 0 ? 8 : bytes.length)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}
