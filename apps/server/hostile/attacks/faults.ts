import type { Socket } from 'node:net'
import type { Random } from '@demo/testkit/random'
import { conn, filler, frame, id, submit } from '@demo/testkit/wire'

/** A mistake of a peer, after which its connection is useless. */
export type Fault = (socket: Socket, random: Random) => void

const send =
  (hex: string): Fault =>
  (socket) =>
    socket.write(Buffer.from(hex, 'hex'))

/** Mistakes of real peers, some of them on purpose. */
export const FAULTS: readonly Fault[] = [
  /** A frame that is too long, and one that is too short. */
  send('ffffffff'),
  send('00000001'),
  /** It speaks HTTP. */
  send(Buffer.from('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n').toString('hex')),
  /** An unknown command, a request that is cut short, a response, a second Conn. */
  send(frame(`7f${id(1)}`)),
  send(frame('0230')),
  send(frame(`82${id(1)}00`)),
  send(conn(1) + conn(2)),
  /** It ends in the middle of a frame. */
  (socket) => socket.end(Buffer.from(submit(1, filler(100)).slice(0, 100), 'hex')),
  /** It resets its connection in the middle of a large frame. */
  (socket, random) => {
    const large = Buffer.from(submit(1, filler(1 + random.below(100_000))), 'hex')
    socket.write(large.subarray(0, -1), () => socket.resetAndDestroy())
  },
  /** It sends many requests, reads nothing, and resets its connection. */
  (socket) => {
    socket.pause()
    socket.write(Buffer.from(submit(1).repeat(20_000), 'hex'))
    setTimeout(() => socket.resetAndDestroy(), 1000)
  },
  /** It ends its connection without sending anything. */
  (socket) => socket.destroy(),
  /** Noise. */
  (socket, random) => {
    const noise = Buffer.alloc(1 + random.below(1000))
    for (let i = 0; i < noise.length; i++) noise[i] = random.below(256)
    socket.end(noise)
  },
]
