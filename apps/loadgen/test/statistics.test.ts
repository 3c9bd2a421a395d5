import { seeded } from '@demo/testkit/random'
import { describe, expect, it } from 'vitest'
import { mannWhitney, median, noise, signedRank, smallestP, smallestSignedRankP } from '../src/judge/statistics.ts'

describe('the median', () => {
  it.each([
    { values: [3], expected: 3 },
    { values: [9, 1], expected: 5 },
    { values: [10, 9, 1], expected: 9 },
    { values: [4, 1, 100, 2], expected: 3 },
  ])('of $values is $expected', ({ values, expected }) => {
    expect(median(values)).toBe(expected)
  })
})

describe('the noise', () => {
  it('is 0 of equal values, and of one', () => {
    expect(noise([5, 5, 5])).toBe(0)
    expect(noise([5])).toBe(0)
  })

  it('is near the relative standard deviation of normally distributed values', () => {
    const random = seeded(7)
    const values = Array.from({ length: 10_000 }, () => {
      const uniform = Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6)
      return 100 + 3 * uniform
    })
    expect(noise(values)).toBeGreaterThan(0.029)
    expect(noise(values)).toBeLessThan(0.031)
  })

  it('does not mind one wild value', () => {
    expect(noise([99, 100, 101, 100, 99, 101, 5000])).toBeLessThan(0.02)
  })
})

describe('the Mann-Whitney test', () => {
  // Two-sided critical values at 5 % of the table of Mann and Whitney: the largest U that is significant.
  it.each([
    { n: 4, m: 4, u: 0 },
    { n: 5, m: 5, u: 2 },
    { n: 6, m: 6, u: 5 },
    { n: 8, m: 8, u: 13 },
    { n: 10, m: 10, u: 23 },
    { n: 5, m: 10, u: 8 },
    { n: 20, m: 20, u: 127 },
  ])('has the critical values of the table: $n and $m', ({ n, m, u }) => {
    expect(mannWhitney(...samplesWithU(n, m, u))).toBeLessThanOrEqual(0.05)
    expect(mannWhitney(...samplesWithU(n, m, u + 1))).toBeGreaterThan(0.05)
  })

  it('is the share of all divisions of the values that are as far apart, equal values included', () => {
    const random = seeded(3)
    for (let round = 0; round < 30; round += 1) {
      const draw = (length: number) => Array.from({ length }, () => Math.floor(random() * 6))
      const [a, b] = [draw(4), draw(5)]
      expect(mannWhitney(a, b)).toBeCloseTo(bruteForce(a, b), 12)
    }
  })

  it('is 1 for samples that are alike, the same both ways, and smallest where they do not overlap', () => {
    expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1)
    expect(mannWhitney([1, 2, 9], [3, 4, 5, 6])).toBeCloseTo(mannWhitney([3, 4, 5, 6], [1, 2, 9]), 12)
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12)
    expect(smallestP(5, 5)).toBeCloseTo(2 / 252, 12)
    expect(smallestP(1, 1)).toBe(1)
  })

  it('calls equal distributions different as often as it says', () => {
    const random = seeded(11)
    const rounds = 2000
    let called = 0
    for (let round = 0; round < rounds; round += 1) {
      const draw = () => Array.from({ length: 8 }, () => random() ** 3)
      if (mannWhitney(draw(), draw()) <= 0.05) called += 1
    }
    expect(called / rounds).toBeGreaterThan(0.03)
    expect(called / rounds).toBeLessThan(0.06)
  })
})

describe('the signed-rank test', () => {
  // Two-sided critical values at 5 % of Wilcoxon's table: the largest sum of the ranks of one sign that is significant.
  it.each([
    { pairs: 6, sum: 0 },
    { pairs: 7, sum: 2 },
    { pairs: 8, sum: 3 },
    { pairs: 9, sum: 5 },
    { pairs: 10, sum: 8 },
    { pairs: 12, sum: 13 },
    { pairs: 15, sum: 25 },
    { pairs: 20, sum: 52 },
  ])('has the critical values of the table: $pairs pairs', ({ pairs, sum }) => {
    expect(signedRank(withNegativeRanks(pairs, sum))).toBeLessThanOrEqual(0.05)
    expect(signedRank(withNegativeRanks(pairs, sum + 1))).toBeGreaterThan(0.05)
  })

  it('is the share of all signs that are as far apart, equal differences included', () => {
    const random = seeded(4)
    for (let round = 0; round < 30; round += 1) {
      const differences = Array.from({ length: 8 }, () => Math.floor(random() * 9) - 3)
      expect(signedRank(differences)).toBeCloseTo(bruteForceSigns(differences), 12)
    }
  })

  it('is 1 where nothing differs, the same both ways, and smallest where all differ alike', () => {
    expect(signedRank([0, 0, 0])).toBe(1)
    expect(signedRank([1, -2, 3, 4])).toBeCloseTo(signedRank([-1, 2, -3, -4]), 12)
    expect(signedRank([1, 2, 3, 4, 5, 6, 7])).toBeCloseTo(2 / 128, 12)
    expect(smallestSignedRankP(7)).toBeCloseTo(2 / 128, 12)
  })

  it('calls equal distributions different as often as it says', () => {
    const random = seeded(12)
    const rounds = 2000
    let called = 0
    for (let round = 0; round < rounds; round += 1) {
      if (signedRank(Array.from({ length: 10 }, () => random() - random())) <= 0.05) called += 1
    }
    expect(called / rounds).toBeGreaterThan(0.03)
    expect(called / rounds).toBeLessThan(0.06)
  })
})

/** Differences 1, 2, 3, …, of which those are negative whose ranks have this sum. */
function withNegativeRanks(pairs: number, sum: number): number[] {
  let left = sum
  const differences: number[] = []
  for (let rank = pairs; rank > 0; rank -= 1) {
    const negative = rank <= left
    if (negative) left -= rank
    differences.push(negative ? -rank : rank)
  }
  return differences
}

/** Every way to give signs to the differences that are none of 0. */
function bruteForceSigns(differences: readonly number[]): number {
  const told = differences.filter((difference) => difference !== 0)
  const rank = (value: number) => {
    const sizes = told.map(Math.abs)
    const below = sizes.filter((size) => size < value).length
    return below + (sizes.filter((size) => size === value).length + 1) / 2
  }
  const ranks = told.map((difference) => rank(Math.abs(difference)))
  const center = ranks.reduce((sum, one) => sum + one, 0) / 2
  const distance = (positive: (i: number) => boolean) =>
    Math.abs(ranks.reduce((sum, one, i) => sum + (positive(i) ? one : 0), 0) - center)
  const observed = distance((i) => told[i] > 0)
  let asFar = 0
  for (let signs = 0; signs < 2 ** told.length; signs += 1) {
    if (distance((i) => ((signs >> i) & 1) === 1) >= observed - 1e-9) asFar += 1
  }
  return asFar / 2 ** told.length
}

/** Two samples without equal values, so that u pairs have the greater value in the first. */
function samplesWithU(n: number, m: number, u: number): [number[], number[]] {
  const greater = Array.from({ length: n }, (_, i) => Math.max(0, Math.min(m, u - i * m)))
  // A value of a that is greater than k values of b lies between b[k-1] and b[k].
  const a = greater.map((k, i) => k - 0.5 + i / (10 * n))
  return [a, Array.from({ length: m }, (_, i) => i)]
}

/** Every way to divide the values into two samples of these sizes, ranked anew each time. */
function bruteForce(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b]
  const center = (a.length * b.length) / 2
  const distance = (u: number) => Math.abs(u - center)
  const observed = distance(countU(a, b))
  let total = 0
  let asFar = 0
  for (let mask = 0; mask < 2 ** all.length; mask += 1) {
    const [first, second] = [1, 0].map((bit) => all.filter((_, i) => ((mask >> i) & 1) === bit))
    if (first.length !== a.length) continue
    total += 1
    if (distance(countU(first, second)) >= observed - 1e-9) asFar += 1
  }
  return asFar / total
}

/** Pairs in which the first is greater; half a pair where they are equal. */
function countU(a: readonly number[], b: readonly number[]): number {
  return a.flatMap((x) => b.map((y) => (x > y ? 1 : x === y ? 0.5 : 0))).reduce<number>((sum, one) => sum + one, 0)
}
