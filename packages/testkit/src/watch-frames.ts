import type { Socket } from 'node:net'

const HEADER_LENGTH = 4

/** Cuts the frames that a socket receives, by hand. Calls `onFrames` after each chunk with all that are whole. */
export function watchFrames(socket: Socket, onFrames: (frames: readonly Buffer[]) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const frames: Buffer[] = []
    while (rest.length >= HEADER_LENGTH && rest.length >= rest.readUInt32BE(0)) {
      const frame = rest.subarray(0, rest.readUInt32BE(0))
      frames.push(frame)
      rest = rest.subarray(frame.length)
    }
    onFrames(frames)
  })
}
