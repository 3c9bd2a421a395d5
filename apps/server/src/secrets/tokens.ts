import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { OptionError } from '@demo/cli'

/** The prefix of a line that has the SHA-256 of a token, in 64 hex digits, instead of the token itself. */
const HASHED = 'sha256:'
const HASH = /^[0-9a-f]{64}$/i

/** The hash of an empty token: the user hashed a variable that was not set. */
const EMPTY_HASH = hashOf(Buffer.alloc(0))

/**
 * The accepted tokens. They are kept and compared as keyed hashes, with a random key of this process, so the time of a
 * comparison reveals nothing about a token (double HMAC verification).
 */
export class Tokens {
  readonly #key = randomBytes(32)
  readonly #digests: ReadonlySet<string>

  constructor(hashes: readonly Buffer[]) {
    this.#digests = new Set(hashes.map((hash) => this.#digest(hash)))
  }

  get size(): number {
    return this.#digests.size
  }

  /** Whether these bytes are one of the tokens. */
  accept(token: Uint8Array): boolean {
    return this.#digests.has(this.#digest(hashOf(token)))
  }

  #digest(hash: Buffer): string {
    return createHmac('sha256', this.#key).update(hash).digest('base64')
  }
}

/**
 * Reads a file of tokens in UTF-8, one a line: the token itself, or `sha256:` and its hash in hex. Blank lines, lines that
 * begin with `#`, and blank space around a token are ignored.
 *
 * @returns the SHA-256 of each token
 * @throws OptionError that names the file and the line, and never quotes them
 */
export function readTokens(file: string): readonly Buffer[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const hashes = lines.flatMap((line, at) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    if (!text.startsWith(HASHED)) return [hashOf(Buffer.from(text))]
    const hex = text.slice(HASHED.length)
    if (!HASH.test(hex)) throw new OptionError(`${file}:${at + 1}: expected 64 hex digits after ${HASHED}`)
    return [Buffer.from(hex, 'hex')]
  })
  if (hashes.some((hash) => hash.equals(EMPTY_HASH))) {
    throw new OptionError(`${file}: it has the hash of an empty token, so every client could get in`)
  }
  if (hashes.length === 0) throw new OptionError(`${file}: it has no token, so no client could get in`)
  return hashes
}

function hashOf(token: Uint8Array): Buffer {
  return createHash('sha256').update(token).digest()
}
