import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { OptionError } from '@demo/cli'

/** What a line begins with that holds the SHA-256 of a token instead of the token: `sha256:` and 64 hex digits. */
const HASHED = 'sha256:'
const HASH = /^[0-9a-f]{64}$/i

/** What comes of hashing a variable that was never set. */
const HASH_OF_NOTHING = hashOf(Buffer.alloc(0))

/**
 * The tokens that let a client in. They are kept and compared as keyed hashes with a key of this process alone: how long
 * a comparison takes says nothing about a token to whoever does not know the key (double HMAC verification).
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
 * Reads a file of tokens, one a line in UTF-8, as it is or as `sha256:` and its hash in hex. Blank lines and lines that
 * begin with `#` are left out, and so is blank space around a token.
 *
 * @returns the SHA-256 of each
 * @throws OptionError that names the file and the line, and never what is in it
 */
export function readTokens(file: string): readonly Buffer[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const hashes = lines.flatMap((line, at) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    if (!text.startsWith(HASHED)) return [hashOf(Buffer.from(text))]
    const hex = text.slice(HASHED.length)
    if (!HASH.test(hex)) throw new OptionError(`${file}:${at + 1}: after ${HASHED} there must be 64 hex digits`)
    return [Buffer.from(hex, 'hex')]
  })
  if (hashes.some((hash) => hash.equals(HASH_OF_NOTHING))) {
    throw new OptionError(`${file}: there is the hash of no token at all, so anybody could get in`)
  }
  if (hashes.length === 0) throw new OptionError(`${file}: there is no token in it, so nobody could get in`)
  return hashes
}

function hashOf(token: Uint8Array): Buffer {
  return createHash('sha256').update(token).digest()
}
