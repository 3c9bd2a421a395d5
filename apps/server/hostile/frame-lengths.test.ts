import { frame, id, submitAck } from '@demo/testkit/wire'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { mebibytes } from './fixture/figures.ts'
import { fixtureOf, teardown, untilConnected } from './fixture/fixture.ts'
import { retainedBytes, startProbedServer } from './fixture/memory-probe.ts'
import { scenario } from './fixture/scenario.ts'

const MEBIBYTE = 1024 * 1024
const HEADER = 4
const SHORTEST_REQUEST = 13

/** The required result of a frame of some length. For a frame error, the header alone must be enough. */
type Result = 'answered' | 'frame-error' | 'packet-error'

const resultOf = (length: number): Result => {
  if (length < HEADER || length > MEBIBYTE) return 'frame-error'
  return length < SHORTEST_REQUEST ? 'packet-error' : 'answered'
}

const SMALL = Array.from({ length: 15 }, (_, length) => length)
const TOO_LONG = [MEBIBYTE + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]
const LENGTHS = [...SMALL, MEBIBYTE - 1, MEBIBYTE, ...TOO_LONG]

const header = (length: number) => length.toString(16).padStart(8, '0')

scenario(8, 'frame lengths at the edges', async (figures) => {
  const fixture = await fixtureOf(startProbedServer())
  const { server, meter } = fixture
  const reasons: Record<string, number> = { 'frame-error': 0, 'packet-error': 0 }
  let otherwise = 0
  for (const length of LENGTHS) {
    const result = resultOf(length)
    const peer = await server.connect()
    // A frame error must be found by the header alone.
    peer.send(result === 'frame-error' ? header(length) : whole(length))
    if (result === 'answered') {
      if ((await peer.receive(14)) !== submitAck(1)) otherwise += 1
      peer.end()
    } else {
      if ((await peer.receiveAll()) !== '') otherwise += 1
      reasons[result] = (reasons[result] ?? 0) + 1
    }
    await peer.untilClosed()
  }
  await untilConnected(fixture, 1)
  const { closed } = await server.scrape()
  figures.exactly('lengths with another result', otherwise, 0)
  figures.exactly('closed as frame-error', closed['frame-error'] ?? 0, reasons['frame-error'] ?? 0)
  figures.exactly('closed as packet-error', closed['packet-error'] ?? 0, reasons['packet-error'] ?? 0)

  // 500 headers that announce up to 4 GiB each: an allocation for one of them would show here.
  const before = await retainedBytes(server)
  meter.resetPeak()
  const residentBefore = meter.residentBytes
  const clients = startAttacker<typeof IdleClients>('idle-clients')
  for (const length of TOO_LONG) {
    await clients.do('connectAll', { port: server.port, connections: 100, sends: header(length) })
  }
  await untilConnected(fixture, 1)
  figures.atMost(
    'peak of memory for 500 headers too long, above before',
    meter.peakBytes - residentBefore,
    16 * MEBIBYTE,
    mebibytes,
  )
  figures.atMost('retained of them', (await retainedBytes(server)) - before, MEBIBYTE, mebibytes)
  await teardown(fixture, figures)
})

/** A frame of this length that is valid if its length allows it. */
function whole(length: number): string {
  const packet = `02${id(1)}${'ab'.repeat(Math.max(0, length - SHORTEST_REQUEST))}`
  return frame(packet.slice(0, 2 * (length - HEADER)))
}
