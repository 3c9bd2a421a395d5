import type { BytesLike } from './bytes.ts'
import type { FrameDecoderOptions } from './decoder-options.ts'
import { FrameDecoder } from './frame-decoder.ts'

/** The part of a web `ReadableStream` that is used here: not in every browser it is an async iterable. */
export interface ByteStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: BytesLike | undefined }>
    cancel(reason?: unknown): Promise<void>
    releaseLock(): void
  }
}

/**
 * The payloads of all frames of a stream, as views on its chunks. Leaving the loop early ends the source: `return()` of an
 * iterator is called, a web stream is cancelled.
 *
 * @example
 * for await (const payload of decodeFrames(socket)) handle(payload)
 *
 * @throws FrameError `ERR_FRAME_TOO_LONG`, `ERR_FRAME_TOO_SHORT`, `ERR_FRAME_TRUNCATED`; all payloads before it have
 *   been yielded
 * @throws TypeError `ERR_FRAME_NOT_BYTES` when a chunk is text, or anything else that is not bytes
 * @throws RangeError when `maxFrameLength` is not an integer from 4 to 4,294,967,295
 */
export async function* decodeFrames(
  source: AsyncIterable<BytesLike> | ByteStream,
  options?: FrameDecoderOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new FrameDecoder(options)
  const chunks = Symbol.asyncIterator in source ? source : readAll(source)
  for await (const chunk of chunks) {
    decoder.push(chunk)
    for (let payload = decoder.read(); payload !== null; payload = decoder.read()) yield payload
  }
  decoder.finish()
}

async function* readAll(stream: ByteStream): AsyncGenerator<BytesLike, void, undefined> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        ended = true
        return
      }
      if (value !== undefined) yield value
    }
  } finally {
    if (!ended) await reader.cancel()
    reader.releaseLock()
  }
}
