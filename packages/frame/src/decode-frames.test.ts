import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { expect, test } from 'vitest'
import { decodeFrames } from './index.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const chunks = () => [Uint8Array.of(0, 0), Uint8Array.of(0, 6, 0x6f, 0x6b, 0, 0, 0, 5), Uint8Array.of(0x21)]

async function collect(payloads: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: string[] = []
  for await (const payload of payloads) found.push(text(payload))
  return found
}

test('yields the payloads of a Node stream', async () => {
  expect(await collect(decodeFrames(Readable.from(chunks())))).toEqual(['ok', '!'])
})

test('yields the payloads of a web stream', async () => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks()) controller.enqueue(chunk)
      controller.close()
    },
  })
  expect(await collect(decodeFrames(stream))).toEqual(['ok', '!'])
})

/** A web stream as in Safari: without an async iterator. */
function readerOnly(onCancel: () => void) {
  const left = chunks()
  return {
    getReader: () => ({
      read: () => Promise.resolve(left.length > 0 ? { done: false, value: left.shift() } : { done: true }),
      cancel: () => Promise.resolve(onCancel()),
      releaseLock: () => {},
    }),
  }
}

test('reads a web stream that is not an async iterable, and cancels it when the loop is left early', async () => {
  let cancelled = 0
  expect(await collect(decodeFrames(readerOnly(() => cancelled++)))).toEqual(['ok', '!'])
  expect(cancelled).toBe(0)
  for await (const payload of decodeFrames(readerOnly(() => cancelled++))) {
    expect(text(payload)).toBe('ok')
    break
  }
  expect(cancelled).toBe(1)
})

test('yields the complete frames before it throws that the rest is truncated', async () => {
  const found: string[] = []
  const reading = (async () => {
    for await (const payload of decodeFrames(Readable.from(chunks().slice(0, 2)))) found.push(text(payload))
  })()
  await expect(reading).rejects.toMatchObject({ code: 'ERR_FRAME_TRUNCATED' })
  expect(found).toEqual(['ok'])
})
