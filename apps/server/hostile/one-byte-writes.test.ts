import { submitAck } from '@demo/testkit/wire'
import type * as OneByteWrites from './attacks/one-byte-writes.ts'
import { startAttacker } from './stage/attacker.ts'
import { mebibytes, seconds } from './stage/figures.ts'
import { retainedBytes, startProbedServer } from './stage/memory-probe.ts'
import { row } from './stage/row.ts'
import { stageOf, strikeStage, timeUntil } from './stage/stage.ts'

const MEBIBYTE = 1024 * 1024

row(6, 'a frame of 1 MiB in writes of one byte', async (figures) => {
  // The limit of a frame's time is not what this is about.
  const stage = await stageOf(startProbedServer(['--frame-timeout', '1m']))
  const { server, meter } = stage
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
  await strikeStage(stage, figures)
})
