import type { Dialect } from '@demo/packet'
import { startFakeServer, watchRequests } from '@demo/testkit/fake-server'
import { turns, waitFor, within } from '@demo/testkit/wait-for'
import { bytesOf, goDemo, hexOf, serials, submit, submitAck, submitAcks, submits } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { connect } from '../index.ts'
import { watchClientSockets } from '../testing/client-sockets.ts'
import { connected } from '../testing/connected.ts'
import { elementAt } from '../testing/element-at.ts'
import { leave, rejection, watch } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)

describe('an invalid option is refused before a connection is opened', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('window %d', async (window) => {
    const sockets = watchClientSockets()
    const error = await rejection(connect({ port: 1, window }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toBe(`invalid window ${window}: expected an integer above 0`)
    expect(sockets).toEqual([])
  })

  // Node makes 1 ms of a time above 31 bits: the longest limits would be the shortest.
  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('timeout %d', async (timeout) => {
    const sockets = watchClientSockets()
    const error = await rejection(connect({ port: 1, timeout }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain('expected milliseconds from 1 to 2147483647, or 0 for no limit')
    expect(sockets).toEqual([])
  })

  test('dialect', async () => {
    const sockets = watchClientSockets()
    const error = await rejection(connect({ port: 1, dialect: 'esperanto' as Dialect }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toBe("invalid dialect 'esperanto': expected specification or go-demo")
    expect(sockets).toEqual([])
  })
})

describe('connecting', () => {
  test('to a Unix socket', async () => {
    const { client, side } = await connected({ unix: true })
    const result = client.submit(bytesOf('cafe'))
    expect(await side.receiveLike(submit(1, 'cafe'))).toBe(submit(1, 'cafe'))
    side.send(submitAck(1))
    expect(await result).toBe(0)
  })

  test('says nothing to a server unless there are credentials', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected()
    expect(client.alive).toBe(true)
    expect(client.inFlight).toBe(0)
    leave(client.submit(NOTHING))
    expect(await side.receiveLike(submit(1))).toBe(submit(1))
    expect(sockets.map(({ writes }) => writes)).toEqual([[submit(1)]])
  })

  test('fails with one error, as openSocket does', async () => {
    const error = await rejection(connect({ path: '/no/such/socket' }))
    expect(error).toMatchObject({ name: 'ClientError', code: 'ERR_CLIENT_CONNECT', cause: { code: 'ENOENT' } })
  })
})

describe('a Submit', () => {
  test('is a length, a command, an ID and the payload', async () => {
    const { client, side } = await connected()
    leave(client.submit(new TextEncoder().encode('hello')))
    expect(await side.receive(18)).toBe('00000012' + '02' + '3030303030303031' + '68656c6c6f')
  })

  test('may be empty', async () => {
    const { client, side } = await connected()
    leave(client.submit(NOTHING))
    expect(await side.receive(13)).toBe('0000000d' + '02' + '3030303030303031')
  })

  test('may be a part of a larger buffer', async () => {
    const { client, side } = await connected()
    leave(client.submit(bytesOf('00cafe00').subarray(1, 3)))
    expect(await side.receive(15)).toBe('0000000f' + '02' + '3030303030303031' + 'cafe')
  })

  // Credentials may be text, so users will try it for payloads.
  test('of text is refused: whose bytes they are is for the caller to say', async () => {
    const { client, side } = await connected()
    const refused = rejection(client.submit('hello' as never))
    const request = client.submit(bytesOf('cafe'))
    await side.receive(15)
    side.send(submitAcks(1, client.inFlight))
    expect(await refused).toBeInstanceOf(TypeError)
    expect(await request).toBe(0)
    expect(side.received).toBe(submit(1, 'cafe'))
  })

  test('has the IDs 00000001, 00000002, …', async () => {
    const { client, side } = await connected()
    leave(...serials(1, 12).map(() => client.submit(NOTHING)))
    await side.receive(12 * 13)
    const ids = side.received.match(/.{26}/g)?.map((one) => Buffer.from(one.slice(10), 'hex').toString())
    expect(ids).toEqual([
      ...['00000001', '00000002', '00000003', '00000004', '00000005', '00000006'],
      ...['00000007', '00000008', '00000009', '00000010', '00000011', '00000012'],
    ])
  })

  test('counts on by one, with or without answers in between', async () => {
    const { client, side } = await connected()
    for (const serial of serials(1, 3)) {
      const result = client.submit(NOTHING)
      await side.receiveLike(submits(1, serial))
      side.send(submitAck(serial))
      expect(await result).toBe(0)
    }
    expect(side.received).toBe(submits(1, 3))
  })

  test('of 1 MiB comes whole', async () => {
    const { client, side } = await connected()
    const payload = Buffer.alloc(1024 * 1024, 'abcdefg')
    const result = client.submit(payload)
    await side.receive(13 + payload.length)
    expect(side.receivedBytes.subarray(0, 13).toString('hex')).toBe('0010000d' + '02' + '3030303030303031')
    expect(side.receivedBytes.subarray(13).equals(payload)).toBe(true)
    side.send(submitAck(1))
    expect(await result).toBe(0)
  })

  test('calls onSent with its ID and the length of its frame', async () => {
    const { client, side } = await connected({ window: 2 })
    const sent: [string, number][] = []
    const onSent = (id: string, frameLength: number) => sent.push([id, frameLength])
    leave(...[NOTHING, bytesOf('cafe'), new Uint8Array(100)].map((payload) => client.submit(payload, { onSent })))
    expect(sent).toEqual([])
    await side.receive(13 + 15)
    expect(sent).toEqual([
      ['00000001', 13],
      ['00000002', 15],
    ])
    side.send(submitAck(2))
    await side.receive(13 + 15 + 113)
    expect(sent).toEqual([
      ['00000001', 13],
      ['00000002', 15],
      ['00000003', 113],
    ])
  })
})

describe('one write', () => {
  test('takes what is submitted in one turn', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected()
    leave(client.submit(bytesOf('aa')), client.submit(bytesOf('bb')), client.submit(NOTHING))
    const expected = submit(1, 'aa') + submit(2, 'bb') + submit(3)
    expect(await side.receiveLike(expected)).toBe(expected)
    expect(sockets[0]?.writes).toEqual([expected])
  })

  test('takes what the answers of one read set off', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected()
    async function two(): Promise<void> {
      await client.submit(NOTHING)
      await client.submit(NOTHING)
    }
    leave(two(), two(), two())
    await side.receiveLike(submits(1, 3))
    side.send(submitAcks(1, 3))
    await side.receiveLike(submits(1, 6))
    expect(sockets[0]?.writes).toEqual([submits(1, 3), submits(4, 6)])
  })

  test('takes what waited for the places that the answers of one read have freed', async () => {
    const sockets = watchClientSockets()
    const { client, side } = await connected({ window: 2 })
    leave(...serials(1, 6).map(() => client.submit(NOTHING)))
    await side.receiveLike(submits(1, 2))
    side.send(submitAcks(1, 2))
    await side.receiveLike(submits(1, 4))
    side.send(submitAck(4))
    await side.receiveLike(submits(1, 5))
    expect(sockets[0]?.writes).toEqual([submits(1, 2), submits(3, 4), submit(5)])
  })

  test('does not wait for more: it leaves before the next turn', async () => {
    const sockets = watchClientSockets()
    const { client } = await connected()
    leave(client.submit(NOTHING))
    await turns(1)
    expect(sockets[0]?.writes).toEqual([submit(1)])
  })
})

describe('an answer', () => {
  test.each([0, 1, 2, 254, 255])('gives its result: %d', async (result) => {
    const { client, side } = await connected()
    const answer = client.submit(NOTHING)
    await side.receiveLike(submit(1))
    side.send(submitAck(1, result))
    expect(await answer).toBe(result)
    expect(client.inFlight).toBe(0)
  })

  test('finds its request by the ID, in any order', async () => {
    const { client, side } = await connected()
    const order: number[] = []
    const results = Promise.all(
      serials(1, 5).map(async (serial) => {
        const result = await client.submit(NOTHING)
        order.push(serial)
        return result
      }),
    )
    await side.receiveLike(submits(1, 5))
    side.send(submitAck(4, 14) + submitAck(1, 11) + submitAck(5, 15))
    side.send(submitAck(3, 13) + submitAck(2, 12))
    expect(await results).toEqual([11, 12, 13, 14, 15])
    expect(order).toEqual([4, 1, 5, 3, 2])
  })

  test('leaves the others waiting', async () => {
    const { client, side } = await connected()
    const [first, second, third] = [1, 2, 3].map(() => watch(client.submit(NOTHING)))
    await side.receiveLike(submits(1, 3))
    side.send(submitAck(2))
    expect(await second?.promise).toBe(0)
    await turns(2)
    expect([first?.state, third?.state]).toEqual(['pending', 'pending'])
    expect(client.inFlight).toBe(2)
  })

  test('may come in single bytes', async () => {
    const { client, side } = await connected()
    const results = Promise.all([client.submit(NOTHING), client.submit(NOTHING)])
    await side.receiveLike(submits(1, 2))
    for (const byte of (submitAck(2, 1) + submitAck(1)).match(/../g) ?? []) {
      side.send(byte)
      await turns(1)
    }
    expect(await results).toEqual([0, 1])
  })

  test('in the Go demo’s dialect is 0x81, and requests are the same', async () => {
    const { client, side } = await connected({ dialect: 'go-demo' })
    const results = Promise.all([client.submit(bytesOf('cafe')), client.submit(NOTHING)])
    const expected = submit(1, 'cafe') + submit(2)
    expect(await side.receiveLike(expected)).toBe(expected)
    side.send(goDemo.submitAck(2, 1) + goDemo.submitAck(1))
    expect(await results).toEqual([0, 1])
  })
})

describe('the window', () => {
  test('is never exceeded: the rest waits, and leaves as answers come', async () => {
    const { client, side } = await connected({ window: 3 })
    const results = Promise.all(serials(1, 8).map(() => client.submit(NOTHING)))
    expect(await side.receiveLike(submits(1, 3))).toBe(submits(1, 3))
    expect(client.inFlight).toBe(3)
    for (const answered of serials(1, 5)) {
      side.send(submitAck(answered))
      // If more had been sent, it would have come by now.
      expect(await side.receiveLike(submits(1, answered + 3))).toBe(submits(1, answered + 3))
      expect(client.inFlight).toBe(3)
    }
    side.send(submitAcks(6, 8))
    expect(await results).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(client.inFlight).toBe(0)
  })

  test('of 1 sends one at a time, in the order of the submits', async () => {
    const { client, side } = await connected({ window: 1 })
    const results = Promise.all(['aa', 'bb', 'cc'].map((payload) => client.submit(bytesOf(payload))))
    let expected = ''
    for (const [i, payload] of ['aa', 'bb', 'cc'].entries()) {
      expected += submit(i + 1, payload)
      expect(await side.receiveLike(expected)).toBe(expected)
      side.send(submitAck(i + 1, i))
    }
    expect(await results).toEqual([0, 1, 2])
  })

  test('is 1000 by default', async () => {
    const { client, side } = await connected()
    leave(...serials(1, 1005).map(() => client.submit(NOTHING)))
    await side.receive(1000 * 13)
    expect(client.inFlight).toBe(1000)
    side.send(submitAck(500))
    expect(await side.receiveLike(submits(1, 1001))).toBe(submits(1, 1001))
  })

  test('holds under load, and every request is answered with its own result', async () => {
    let inFlight = 0
    let most = 0
    const server = await startFakeServer({
      onAccept(side) {
        const waiting: string[] = []
        watchRequests(side, ({ id, payload }) => {
          inFlight += 1
          most = Math.max(most, inFlight)
          // The payload is the expected result. It is sent back out of order: half of the window late.
          waiting.push(`0000000e82${hexOf(id)}${payload}`)
          if (waiting.length >= 16) {
            inFlight -= waiting.length
            side.send(waiting.reverse().splice(0).join(''))
          }
        })
      },
    })
    const client = await connect({ ...server.location, window: 32 })
    const wanted = serials(0, 4095).map((serial) => (serial * 7) % 256)
    const results = wanted.map((result) => client.submit(Buffer.from(result.toString(16).padStart(2, '0'))))
    expect(await within(Promise.all(results), 'for all answers')).toEqual(wanted)
    expect(most).toBeLessThanOrEqual(32)
    expect(most).toBeGreaterThan(1)
  })
})

test('nothing is sent while the socket is full, and everything when it has drained', async () => {
  const sockets = watchClientSockets()
  const { client, side } = await connected({ reads: false })
  const payload = Buffer.alloc(256 * 1024, 'abc')
  const frameLength = payload.length + 13
  const results: Promise<number>[] = []
  const { socket } = elementAt(sockets, 0)
  // Until the buffers of the system are full.
  while (!socket.writableNeedDrain) {
    results.push(client.submit(payload))
    await turns(1)
  }
  const sent = results.length
  const later = client.submit(NOTHING)
  await turns(2)
  expect(client.inFlight).toBe(sent)
  side.read()
  await side.receive(sent * frameLength + 13)
  expect(side.receivedBytes.subarray(-13).toString('hex')).toBe(submit(sent + 1))
  expect(client.inFlight).toBe(sent + 1)
  side.send(submitAcks(1, sent + 1))
  expect(await later).toBe(0)
  expect(await Promise.all(results)).toEqual(results.map(() => 0))
  await waitFor(
    () => client.inFlight === 0,
    () => 'for all answers to be taken',
  )
})
