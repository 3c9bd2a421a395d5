/**
 * Frames of 34 bytes of payload per second, in chunks of 64 KiB, compared with `length-prefixed-stream`, which uses a varint
 * instead of four bytes. Both decode the same payloads. Its streams emit one event for each frame.
 */
import lengthPrefixed from 'length-prefixed-stream'
import { Bench } from 'tinybench'
import { encodeFrame, FrameDecoder } from '../src/index.ts'

const PAYLOAD = new Uint8Array(34).fill(0x78)
const CHUNK_LENGTH = 64 * 1024
const FRAMES = 100_000

/** The frames as a socket delivers them: cut every 64 KiB. */
function chunksOf(frame: Uint8Array): Buffer[] {
  const stream = Buffer.alloc(frame.length * FRAMES)
  for (let i = 0; i < FRAMES; i++) stream.set(frame, i * frame.length)
  const chunks: Buffer[] = []
  for (let at = 0; at < stream.length; at += CHUNK_LENGTH) chunks.push(stream.subarray(at, at + CHUNK_LENGTH))
  return chunks
}

const ours = chunksOf(encodeFrame(PAYLOAD))
const theirs = chunksOf(Uint8Array.of(PAYLOAD.length, ...PAYLOAD))

function check(frames: number): void {
  if (frames !== FRAMES) throw new Error(`${frames} frames came of ${FRAMES}`)
}

const bench = new Bench({ time: 1000, warmupTime: 300 })

bench.add('FrameDecoder, next()', () => {
  const decoder = new FrameDecoder()
  let frames = 0
  for (const chunk of ours) {
    decoder.push(chunk)
    while (decoder.next()) frames += 1
  }
  check(frames)
})

bench.add('FrameDecoder, read(): a view for each', () => {
  const decoder = new FrameDecoder()
  let frames = 0
  for (const chunk of ours) {
    decoder.push(chunk)
    while (decoder.read() !== null) frames += 1
  }
  check(frames)
})

bench.add('length-prefixed-stream', async () => {
  const decoder = lengthPrefixed.decode()
  let frames = 0
  decoder.on('data', () => (frames += 1))
  for (const chunk of theirs) decoder.write(chunk)
  await new Promise<void>((resolve) => decoder.end(() => resolve()))
  check(frames)
})

await bench.run()
const rates = bench.tasks.map(({ name, result }) => ({ name, rate: (result?.throughput.mean ?? 0) * FRAMES }))
const yardstick = rates.at(-1)?.rate ?? 0
for (const { name, rate } of rates) {
  console.log(
    `${name.padEnd(40)}${(rate / 1e6).toFixed(1).padStart(8)} M frames/s   × ${(rate / yardstick).toFixed(1)}`,
  )
}
