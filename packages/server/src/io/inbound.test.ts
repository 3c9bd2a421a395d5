import { FrameDecoder } from '@demo/frame'
import { filler, submit, submitAck } from '@demo/testkit/wire'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startServer } from '../testing/harness.ts'
import { gathers } from '../testing/transports.ts'

test('who sends a frame byte by byte is answered, and read far less often than once a byte', async () => {
  const { open } = await startServer()
  const { peer } = await open()
  const pushed = vi.spyOn(FrameDecoder.prototype, 'push')
  onTestFinished(() => pushed.mockRestore())
  const bytes = Buffer.from(submit(1, filler(3000)), 'hex')
  for (const byte of bytes) await peer.sent(Uint8Array.of(byte))
  expect(await peer.receive(14)).toBe(submitAck(1))
  if (gathers) expect(pushed.mock.calls.length).toBeLessThan(bytes.length / 2)

  peer.send(submit(2))
  expect(await peer.receive(28)).toBe(submitAck(1) + submitAck(2))
})

test('who drips is closed at the frame limit all the same', async () => {
  const { open, untilClosed } = await startServer({}, { frameTimeout: 300 })
  const { peer } = await open()
  const drip = setInterval(() => peer.send(Uint8Array.of(0)), 5)
  peer.send(submit(1, filler(5000)).slice(0, 40))
  const [closing] = await untilClosed(1)
  clearInterval(drip)
  expect(closing).toMatchObject({ reason: 'frame-timeout' })
})

test('who drips and ends in the middle is told', async () => {
  const { open, untilClosed } = await startServer()
  const { peer } = await open()
  for (const byte of Buffer.from(submit(1, filler(100)).slice(0, 100), 'hex')) await peer.sent(Uint8Array.of(byte))
  peer.end()
  expect(await untilClosed(1)).toMatchObject([{ reason: 'frame-error' }])
})
