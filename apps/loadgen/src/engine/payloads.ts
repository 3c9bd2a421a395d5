import { OptionError } from '@demo/cli'
import { createPayload, createRandom, createWords } from '@demo/client-sim'
import type { RunOptions } from './options.ts'
import { readInput } from './read-input.ts'

/** The most bytes of different payloads, unless that is fewer than {@link MIN_PAYLOADS}. */
const POOL_BYTES = 4 * 1024 * 1024
const MAX_PAYLOADS = 4096
const MIN_PAYLOADS = 16

/**
 * The payloads of a run: one for all requests, or many that are sent in turn. The same options give the same bytes.
 *
 * @throws OptionError if the payload file is empty
 */
export async function createPayloads(options: RunOptions): Promise<readonly Uint8Array[]> {
  const { payloadFile, payload, payloadSize, seed } = options
  if (payloadFile !== undefined) return readLines(payloadFile)
  const words = createWords(seed)
  if (payload === 'words') return Array.from({ length: MAX_PAYLOADS }, () => new TextEncoder().encode(words()))
  if (typeof payloadSize === 'number') return [createPayload(payloadSize, words)]
  const { min, max } = payloadSize
  const random = createRandom(seed)
  const count = Math.min(MAX_PAYLOADS, Math.max(MIN_PAYLOADS, Math.floor((POOL_BYTES * 2) / Math.max(1, min + max))))
  return Array.from({ length: count }, () => createPayload(min + Math.floor(random() * (max - min + 1)), words))
}

/** The lines without their line ends. Bytes after the last line end are a line too. */
async function readLines(file: string): Promise<readonly Uint8Array[]> {
  const bytes = await readInput('--payload-file', file)
  const lines: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(0x0a, at)
    const end = found < 0 ? bytes.length : found
    lines.push(bytes.subarray(at, end > at && bytes[end - 1] === 0x0d ? end - 1 : end))
    at = end + 1
  }
  if (lines.length === 0) throw new OptionError(`the payload file ${file} is empty; expected a payload in each line`)
  return lines
}
