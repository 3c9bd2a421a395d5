import { bytesOf, submit, submitAck, submitAcks } from '@demo/testkit/wire'
import { describe, expect, test } from 'vitest'
import { connected } from '../testing/connected.ts'
import { leave, rejection } from '../testing/outcome.ts'

const NOTHING = new Uint8Array(0)

/** A detached buffer. */
function detached(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8)
  detach(bytes)
  return bytes
}

function detach(bytes: Uint8Array<ArrayBuffer>): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
}

function shared(hex: string): SharedArrayBuffer {
  const bytes = bytesOf(hex)
  const buffer = new SharedArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  return buffer
}

describe('the bytes are sent of', () => {
  test.each([
    ['an ArrayBuffer', bytesOf('cafe').buffer],
    ['a SharedArrayBuffer', shared('cafe')],
    ['a DataView of a part', new DataView(bytesOf('00cafe00').buffer, 1, 2)],
    ['a Uint16Array', new Uint16Array(bytesOf('cafe').buffer)],
    ['a Uint8ClampedArray', new Uint8ClampedArray(bytesOf('cafe').buffer)],
    ['a Buffer', Buffer.from('cafe', 'hex')],
  ])('%s', async (_what, payload) => {
    const { client, side } = await connected()
    leave(client.submit(payload))
    expect(await side.receiveLike(submit(1, 'cafe'))).toBe(submit(1, 'cafe'))
  })
})

describe('an invalid payload rejects, and its neighbours are sent', () => {
  const WRONG_TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
  const UNSENDABLE = { name: 'ClientError', code: 'ERR_CLIENT_PAYLOAD', sent: false }
  const expected = 'expected a Uint8Array, another view, or an ArrayBuffer'

  test.each<[string, unknown, object]>([
    ['text', 'hello', { ...WRONG_TYPE, message: `invalid payload of type string: ${expected}; encode text first` }],
    ['nothing', undefined, { ...WRONG_TYPE, message: `invalid payload of type undefined: ${expected}` }],
    ['null', null, { ...WRONG_TYPE, message: `invalid payload of type null: ${expected}` }],
    ['an array', [1, 2], { ...WRONG_TYPE, message: `invalid payload of type object: ${expected}` }],
    ['what only looks like bytes', { length: 1, buffer: new ArrayBuffer(1), byteLength: 1 }, WRONG_TYPE],
    ['a view of a detached buffer', detached(), { ...UNSENDABLE, message: expect.stringContaining('detached') }],
    ['a detached buffer', detached().buffer, { ...UNSENDABLE, message: expect.stringContaining('detached') }],
    [
      'one that is too long',
      new Uint8Array(88),
      { ...UNSENDABLE, message: 'invalid payload of 88 bytes: expected at most 87' },
    ],
  ])('%s', async (_what, payload, error) => {
    const { client, side } = await connected({ maxFrameLength: 100 })
    const before = client.submit(bytesOf('aa'))
    const refused = rejection(client.submit(payload as Uint8Array))
    const after = client.submit(new Uint8Array(87))
    expect(await refused).toMatchObject(error)
    const sent = submit(1, 'aa') + submit(2, '00'.repeat(87))
    expect(await side.receiveLike(sent)).toBe(sent)
    side.send(submitAcks(1, 2))
    expect(await Promise.all([before, after])).toEqual([0, 0])
    expect(client.alive).toBe(true)
  })

  test('one that is detached while it waits', async () => {
    const { client, side } = await connected({ window: 1 })
    const payload = bytesOf('bbbb')
    const first = client.submit(bytesOf('aa'))
    const refused = rejection(client.submit(payload))
    const last = client.submit(bytesOf('cc'))
    await side.receiveLike(submit(1, 'aa'))
    detach(payload)
    side.send(submitAck(1))
    expect(await first).toBe(0)
    expect(await refused).toMatchObject({
      ...UNSENDABLE,
      message: 'the payload was detached or resized while the request waited',
    })
    const sent = submit(1, 'aa') + submit(2, 'cc')
    expect(await side.receiveLike(sent)).toBe(sent)
    side.send(submitAck(2))
    expect(await last).toBe(0)
  })

  test('one that is detached in the turn in which it was submitted', async () => {
    const { client, side } = await connected()
    const payload = bytesOf('bbbb')
    const refused = rejection(client.submit(payload))
    leave(client.submit(bytesOf('cc')))
    detach(payload)
    expect(await refused).toMatchObject(UNSENDABLE)
    expect(await side.receiveLike(submit(1, 'cc'))).toBe(submit(1, 'cc'))
  })

  test('the last one of a client that closes: it closes', async () => {
    const { client } = await connected()
    const payload = bytesOf('bbbb')
    const refused = rejection(client.submit(payload))
    const closing = client.close()
    detach(payload)
    expect(await refused).toMatchObject(UNSENDABLE)
    await closing
  })
})

test('an invalid signal or time limit rejects, too', async () => {
  const { client, side } = await connected()
  expect(await rejection(client.submit(NOTHING, { signal: {} as AbortSignal }))).toBeInstanceOf(TypeError)
  expect(await rejection(client.submit(NOTHING, { timeout: '5' as never }))).toBeInstanceOf(RangeError)
  leave(client.submit(bytesOf('aa')))
  expect(await side.receiveLike(submit(1, 'aa'))).toBe(submit(1, 'aa'))
})
