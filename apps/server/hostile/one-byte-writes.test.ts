import { submitAck } from '@demo/testkit/wire'
import type * as OneByteWrites from './attacks/one-byte-writes.ts'
import { startAttacker } from './fixture/attacker.ts'
import { mebibytes, seconds } from './fixture/figures.ts'
import { fixtureOf, teardown, timeUntil } from './fixture/fixture.ts'
import { retainedBytes, startProbedServer } from './fixture/memory-probe.ts'
import { scenario } from './fixture/scenario.ts'

const MEBIBYTE = 1024 * 1024

scenario(6, 'a frame of 1 MiB in writes of one byte', async (figures) => {
  // Long enough that the frame timeout plays no role.
  const fixture = await fixtureOf(startProbedServer(['--frame-timeout', '1m']))
  const { server, meter } = fixture
  const writer = startAttacker<typeof OneByteWrites>('one-byte-writes')
  await writer.do('start', server.port, MEBIBYTE)
  const received = async () => (await server.scrape()).value('received_bytes_total')

  const before = await retainedBytes(server)
  const cpu = meter.cpuSeconds
  const start = await received()
  await writer.do('writeUpTo', MEBIBYTE - 1)
  await timeUntil(async () => (await received()) >= start + MEBIBYTE - 1)
  const retained = (await retainedBytes(server)) - before
  await writer.do('writeUpTo', MEBIBYTE)
  await timeUntil(async () => (await writer.do('answer')) !== '')

  figures.exactly('answered', (await writer.do('answer')) === submitAck(1) ? 1 : 0, 1)
  figures.atMost('processor time', meter.cpuSeconds - cpu, 5, seconds)
  figures.atMost('retained one byte before the end', retained, 2 * MEBIBYTE, mebibytes)
  await teardown(fixture, figures)
})
