import { frame, id, submitAck } from '@demo/testkit/wire'
import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { mebibytes } from './stage/figures.ts'
import { retainedBytes, startProbedServer } from './stage/memory-probe.ts'
import { row } from './stage/row.ts'
import { stageOf, strikeStage, untilConnected } from './stage/stage.ts'

const MEBIBYTE = 1024 * 1024
const HEADER = 4
const SHORTEST_REQUEST = 13

/** What a frame of some length must lead to, and whether its header alone must be enough. */
type Fate = 'answered' | 'frame-error' | 'packet-error'

const fateOf = (length: number): Fate => {
  if (length < HEADER || length > MEBIBYTE) return 'frame-error'
  return length < SHORTEST_REQUEST ? 'packet-error' : 'answered'
}

const SMALL = Array.from({ length: 15 }, (_, length) => length)
const TOO_LONG = [MEBIBYTE + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]
const LENGTHS = [...SMALL, MEBIBYTE - 1, MEBIBYTE, ...TOO_LONG]

const header = (length: number) => length.toString(16).padStart(8, '0')

row(8, 'frame lengths at the edges', async (figures) => {
  const stage = await stageOf(startProbedServer())
  const { server, meter } = stage
  const reasons: Record<string, number> = { 'frame-error': 0, 'packet-error': 0 }
  let otherwise = 0
  for (const length of LENGTHS) {
    const fate = fateOf(length)
    const peer = await server.connect()
    // What the header alone must be enough for gets no more than the header.
    peer.send(fate === 'frame-error' ? header(length) : whole(length))
    if (fate === 'answered') {
      if ((await peer.receive(14)) !== submitAck(1)) otherwise += 1
      peer.end()
    } else {
      if ((await peer.receiveAll()) !== '') otherwise += 1
      reasons[fate] = (reasons[fate] ?? 0) + 1
    }
    await peer.untilClosed()
  }
  await untilConnected(stage, 1)
  const { closed } = await server.scrape()
  figures.exactly('lengths treated otherwise than told', otherwise, 0)
  figures.exactly('closed as frame-error', closed['frame-error'] ?? 0, reasons['frame-error'] ?? 0)
  figures.exactly('closed as packet-error', closed['packet-error'] ?? 0, reasons['packet-error'] ?? 0)

  // 500 that promise up to 4 GiB each: had the server believed one of them, it would be seen here.
  const before = await retainedBytes(server)
  meter.forgetPeak()
  const residentBefore = meter.residentBytes
  const crowd = startAttacker<typeof Crowd>('crowd')
  for (const length of TOO_LONG) {
    await crowd.do('come', { port: server.port, connections: 100, sends: header(length) })
  }
  await untilConnected(stage, 1)
  figures.atMost(
    'peak of memory for 500 headers too long, above before',
    meter.peakBytes - residentBefore,
    16 * MEBIBYTE,
    mebibytes,
  )
  figures.atMost('retained of them', (await retainedBytes(server)) - before, MEBIBYTE, mebibytes)
  await strikeStage(stage, figures)
})

/** A frame of this length that is as good as its length lets it be. */
function whole(length: number): string {
  const packet = `02${id(1)}${'ab'.repeat(Math.max(0, length - SHORTEST_REQUEST))}`
  return frame(packet.slice(0, 2 * (length - HEADER)))
}
