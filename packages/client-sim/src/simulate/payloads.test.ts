import { describe, expect, test } from 'vitest'
import { createPayload, createWords } from '../index.ts'
import { elementAt } from '../testing/element-at.ts'

/** The first words of a source. */
function take(count: number, next: () => string): string[] {
  return Array.from({ length: count }, () => next())
}

describe('words', () => {
  // Computed with the C original of the random numbers: a seed gives the same words in each version.
  test.each([
    [0, ['fresh-amber', 'firm-bridge', 'loyal-hawk', 'quiet-lake', 'loyal-iron', 'fond-beacon']],
    [1, ['rapid-amber', 'noble-tide', 'warm-coral', 'quiet-moon', 'long-willow', 'loyal-glacier']],
    [2023, ['keen-grove', 'sound-river', 'ripe-dune', 'fast-spark', 'sweet-cloud', 'deep-orchid']],
  ])('are the same for the same seed: %d', (seed, words) => {
    expect(take(words.length, createWords(seed))).toEqual(words)
  })

  test('of one source do not depend on another', () => {
    const [first, second] = [createWords(7), createWords(7)]
    const alternating = take(20, () => [first(), second()].join(' '))
    expect(alternating).toEqual(take(20, createWords(7)).map((words) => `${words} ${words}`))
  })

  test('differ from seed to seed', () => {
    const rows = Array.from({ length: 100 }, (_, seed) => take(8, createWords(seed)).join(' '))
    expect(new Set(rows).size).toBe(100)
  })

  test('differ each time without a seed', () => {
    expect(take(20, createWords())).not.toEqual(take(20, createWords()))
  })

  test.each([-1, 2 ** 32 - 1, 2 ** 31])('take any integer as a seed: %d', (seed) => {
    const words = take(5, createWords(seed))
    expect(words).toEqual(take(5, createWords(seed)))
    for (const pair of words) expect(pair).toMatch(/^[a-z]{3,6}-[a-z]{3,7}$/)
  })

  test('are 4,096 pairs, all of which come', () => {
    const seen = new Set(take(60_000, createWords(1)))
    expect(seen.size).toBe(4096)
    for (const pair of seen) expect(pair).toMatch(/^[a-z]{3,6}-[a-z]{3,7}$/)
  })
})

describe('a payload', () => {
  test.each([0, 1, 2, 7, 8, 9, 25, 100, 1000, 65_536, 1_000_003])('has exactly %d bytes', (length) => {
    expect(createPayload(length, createWords(3))).toHaveLength(length)
  })

  test('is words with a space between, cut where it is full', () => {
    const words = ['firm-iron', 'calm-sea', 'new-oak']
    let next = 0
    const payload = createPayload(22, () => elementAt(words, next++ % words.length))
    expect(new TextDecoder().decode(payload)).toBe('firm-iron calm-sea new')
  })

  test('calls for words only as often as needed', () => {
    let asked = 0
    const next = () => {
      asked += 1
      return 'firm-iron'
    }
    createPayload(0, next)
    expect(asked).toBe(0)
    createPayload(9, next)
    expect(asked).toBe(1)
    createPayload(20, next)
    expect(asked).toBe(4)
  })

  test('has its own bytes', () => {
    const payload = createPayload(10, createWords(1))
    expect(payload.byteOffset).toBe(0)
    expect(payload.buffer.byteLength).toBe(10)
  })
})
