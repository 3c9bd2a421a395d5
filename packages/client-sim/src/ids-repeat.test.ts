import { startFakeServer } from '@demo/testkit/fake-server'
import { waitFor } from '@demo/testkit/wait-for'
import { submit, submitAck } from '@demo/testkit/wire'
import { expect, test, vi } from 'vitest'
import { openLoadConnection } from './index.ts'
import { connected } from './testing/connected.ts'
import { leave } from './testing/outcome.ts'
import { TEST_ENGINE } from './testing/test-engine.ts'

const NOTHING = new Uint8Array(0)

/** A hundred million requests are too many for a test: here IDs repeat after four, across their real end. */
const ROUND = [99_999_998, 99_999_999, 0, 1] as const

const inRound = (i: number) => ROUND[(i % 4) as 0 | 1 | 2 | 3]

vi.mock('@demo/packet', async (importOriginal) => {
  class ShortRound {
    #sent = 0

    nextSerial(): number {
      const serial = inRound(this.#sent)
      this.#sent += 1
      return serial
    }
  }
  return { ...(await importOriginal<typeof import('@demo/packet')>()), PacketIdSequence: ShortRound }
})

test('after 99999999 comes 00000000, and answers find their requests', async () => {
  const { client, side } = await connected()
  const results = Promise.all(ROUND.map(() => client.submit(NOTHING)))
  const expected = ROUND.map((serial) => submit(serial)).join('')
  expect(await side.receiveLike(expected)).toBe(expected)
  side.send(ROUND.map((serial, i) => submitAck(serial, i)).join(''))
  expect(await results).toEqual([0, 1, 2, 3])
})

test('an ID that is still in flight when IDs repeat is skipped', async () => {
  const { client, side } = await connected()
  const [late, ...others] = ROUND.map(() => client.submit(NOTHING))
  let expected = ROUND.map((serial) => submit(serial)).join('')
  await side.receiveLike(expected)
  side.send(submitAck(99_999_999) + submitAck(0) + submitAck(1))
  await Promise.all(others)
  const next = [client.submit(NOTHING), client.submit(NOTHING)]
  expected += submit(99_999_999) + submit(0)
  expect(await side.receiveLike(expected)).toBe(expected)
  side.send(submitAck(0, 2) + submitAck(99_999_998, 1) + submitAck(99_999_999, 3))
  expect(await Promise.all([late, ...next])).toEqual([1, 3, 2])
  leave(client.submit(NOTHING), client.submit(NOTHING))
  expected += submit(1) + submit(99_999_998)
  expect(await side.receiveLike(expected)).toBe(expected)
})

// A window of three has four slots: 2, 3, 0, 1.
test.each([1, 2, 3])('IDs of a load connection with a window of %d repeat, too', async (window) => {
  const server = await startFakeServer()
  const runs: number[] = []
  const connection = await openLoadConnection(
    { ...server.location, window, payload: NOTHING, engine: TEST_ENGINE },
    { answered: ({ count }) => runs.push(count), room() {}, closed() {} },
  )
  const side = await server.accepted()
  let expected = ''
  let answered = 0
  while (answered < 12) {
    connection.send(window)
    const sent = Array.from({ length: window }, (_, i) => inRound(answered + i))
    expected += sent.map((serial) => submit(serial)).join('')
    expect(await side.receiveLike(expected)).toBe(expected)
    side.send(
      sent
        .reverse()
        .map((serial) => submitAck(serial))
        .join(''),
    )
    answered += window
    await waitFor(
      () => connection.acks >= answered,
      () => `for ${answered} answers; there are ${connection.acks}`,
    )
  }
  expect(connection).toMatchObject({ sent: 12, acks: 12, mismatched: 0, inFlight: 0 })
  expect(runs.reduce((sum, count) => sum + count, 0)).toBe(12)
})
