/** The cost of one packet: decoding, reading, answering. */
import { Bench } from 'tinybench'
import { CommandId, createPacketCodec, writePacketId } from '../src/index.ts'

const PACKETS = 1000
const codec = createPacketCodec()
const packet = codec.encode({ command: CommandId.Submit, id: '00000001', payload: new Uint8Array(25).fill(0x78) })
const chunk = Buffer.alloc(packet.length * PACKETS)
for (let i = 0; i < PACKETS; i++) chunk.set(packet, i * packet.length)
const target = new Uint8Array(16)
const view = new DataView(target.buffer)

/** Keeps the compiler from removing the measured code. */
let sink = 0

function forEachPacket(use: (start: number, end: number) => number): () => void {
  return () => {
    for (let start = 0; start < chunk.length; start += packet.length) sink += use(start, start + packet.length)
  }
}

function submit(start: number, end: number) {
  const view = codec.decode(chunk, start, end)
  if (view.command !== CommandId.Submit) throw new Error('no Submit')
  return view
}

const bench = new Bench({ time: 500, warmupTime: 200 })
bench.add(
  'decode',
  forEachPacket((start, end) => submit(start, end).end),
)
bench.add(
  'decode, read id',
  forEachPacket((start, end) => submit(start, end).id.length),
)
bench.add(
  'decode, read serial',
  forEachPacket((start, end) => submit(start, end).serial),
)
bench.add(
  'decode, read payload',
  forEachPacket((start, end) => submit(start, end).payload.length),
)
bench.add(
  'decode, writeAck',
  forEachPacket((start, end) => codec.writeAck(submit(start, end), 0, target, 0)),
)
bench.add(
  'writePacketId',
  forEachPacket((start) => writePacketId(start, view, 0)),
)

await bench.run()
for (const { name, result } of bench.tasks) {
  const nanoseconds = ((result?.latency.mean ?? 0) * 1e6) / PACKETS
  console.log(`${name.padEnd(24)}${nanoseconds.toFixed(1).padStart(8)} ns a packet`)
}
if (sink === 0) throw new Error('nothing was done')
