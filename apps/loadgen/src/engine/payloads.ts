import { OptionError } from '@demo/cli'
import { createPayload, createRandom, createWords } from '@demo/client-sim'
import type { RunOptions } from './options.ts'
import { readInput } from './read-input.ts'

/** What different payloads may take, in bytes, unless fewer than {@link LEAST} would be left. */
const POOL_BYTES = 4 * 1024 * 1024
const MOST = 4096
const LEAST = 16

/**
 * The payloads of a run: one for all requests, or many that are sent in turn, over and over. The same options give the
 * same bytes.
 *
 * @throws OptionError when the file has none
 */
export async function createPayloads(options: RunOptions): Promise<readonly Uint8Array[]> {
  const { payloadFile, payload, payloadSize, seed } = options
  if (payloadFile !== undefined) return readLines(payloadFile)
  const words = createWords(seed)
  if (payload === 'words') return Array.from({ length: MOST }, () => new TextEncoder().encode(words()))
  if (typeof payloadSize === 'number') return [createPayload(payloadSize, words)]
  const { min, max } = payloadSize
  const random = createRandom(seed)
  const count = Math.min(MOST, Math.max(LEAST, Math.floor((POOL_BYTES * 2) / Math.max(1, min + max))))
  return Array.from({ length: count }, () => createPayload(min + Math.floor(random() * (max - min + 1)), words))
}

/** Each line, without its end. What comes after the last line end is a line if it is anything. */
async function readLines(file: string): Promise<readonly Uint8Array[]> {
  const bytes = await readInput('--payload-file', file)
  const lines: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(0x0a, at)
    const end = found < 0 ? bytes.length : found
    lines.push(bytes.subarray(at, end > at && bytes[end - 1] === 0x0d ? end - 1 : end))
    at = end + 1
  }
  if (lines.length === 0) throw new OptionError(`the payload file ${file} is empty: each line is a payload`)
  return lines
}
