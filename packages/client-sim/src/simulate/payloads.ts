const ADJECTIVES = [
  'bold',
  'brave',
  'bright',
  'brisk',
  'calm',
  'clear',
  'clever',
  'cold',
  'cool',
  'crisp',
  'deep',
  'fair',
  'fast',
  'fine',
  'firm',
  'fond',
  'free',
  'fresh',
  'full',
  'glad',
  'grand',
  'great',
  'keen',
  'kind',
  'late',
  'light',
  'live',
  'long',
  'loud',
  'loyal',
  'mild',
  'neat',
  'new',
  'noble',
  'plain',
  'prime',
  'proud',
  'pure',
  'quick',
  'quiet',
  'rapid',
  'rare',
  'ready',
  'rich',
  'ripe',
  'round',
  'safe',
  'sharp',
  'short',
  'silent',
  'smart',
  'smooth',
  'soft',
  'solid',
  'sound',
  'steady',
  'still',
  'strong',
  'sure',
  'sweet',
  'swift',
  'warm',
  'wise',
  'young',
] as const

const NOUNS = [
  'amber',
  'anvil',
  'apple',
  'arrow',
  'badge',
  'basin',
  'beacon',
  'bell',
  'birch',
  'bridge',
  'brook',
  'cedar',
  'cliff',
  'cloud',
  'coast',
  'comet',
  'copper',
  'coral',
  'creek',
  'crown',
  'delta',
  'dune',
  'eagle',
  'ember',
  'falcon',
  'fern',
  'field',
  'flint',
  'forest',
  'garden',
  'gate',
  'glacier',
  'grove',
  'harbor',
  'hawk',
  'heron',
  'hill',
  'iron',
  'island',
  'ivory',
  'jade',
  'lake',
  'lantern',
  'maple',
  'meadow',
  'mesa',
  'moon',
  'oak',
  'ocean',
  'orchid',
  'otter',
  'pebble',
  'pine',
  'prairie',
  'quartz',
  'raven',
  'reef',
  'river',
  'sail',
  'spark',
  'stone',
  'summit',
  'tide',
  'willow',
] as const

/**
 * Random numbers from 0 to 1, the same for the same seed: mulberry32, by Tommy Ettinger, in the public domain. Not for
 * secrets.
 */
export function createRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A source of pairs of words like `firm-iron`: 4,096 different ones, in the same order for the same seed.
 *
 * @param seed any integer; random by default
 */
export function createWords(seed: number = Math.floor(Math.random() * 2 ** 32)): () => string {
  const random = createRandom(seed)
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)]
  return () => `${pick(ADJECTIVES)}-${pick(NOUNS)}`
}

/**
 * A payload of exactly `length` bytes of readable words.
 *
 * @param length in bytes, from 0
 * @param nextWords returns the next words, in ASCII
 * @returns a `Uint8Array<ArrayBuffer>`, spelled so that TypeScript before 5.7 reads it too
 */
export function createPayload(length: number, nextWords: () => string): ReturnType<typeof Uint8Array.of> {
  let text = ''
  while (text.length < length) text += text === '' ? nextWords() : ` ${nextWords()}`
  return new TextEncoder().encode(text.slice(0, length))
}
