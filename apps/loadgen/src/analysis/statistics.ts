/** The median; NaN if there are no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [upper = Number.NaN, lower = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle) - 1]]
  return (upper + lower) / 2
}

/** Scales a median absolute deviation to a standard deviation of normally distributed values. */
const MAD_TO_DEVIATION = 1.4826

/**
 * The relative spread of values: the median absolute deviation from the median, scaled as a standard deviation. A single
 * outlier does not change it. 0 for a single value.
 */
export function noise(values: readonly number[]): number {
  const middle = median(values)
  if (middle === 0) return 0
  return (MAD_TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)))) / Math.abs(middle)
}

/**
 * The probability that two samples of the same distribution differ at least as much as these: the two-sided p of the
 * Mann-Whitney U test. Exact, with mean ranks for equal values. It assumes nothing about the distribution.
 *
 * Source: Mann and Whitney 1947, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
 * Other"; counted as in a permutation test over the ranks.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const ranks = doubledRanks([...a, ...b])
  const observed = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0)
  const ways = waysToSum(ranks, a.length)
  const total = ways.reduce((sum, count) => sum + count, 0)
  const center = (a.length * ranks.reduce((sum, rank) => sum + rank, 0)) / ranks.length
  const distance = Math.abs(observed - center)
  let asFar = 0
  ways.forEach((count, sum) => {
    if (Math.abs(sum - center) >= distance) asFar += count
  })
  return asFar / total
}

/** The smallest p of that test for samples of these sizes: the p of samples that do not overlap. */
export function smallestP(a: number, b: number): number {
  let ways = 1
  for (let i = 1; i <= a; i += 1) ways = (ways * (b + i)) / i
  return 2 / ways
}

/**
 * The probability that pairs of the same distribution differ at least as much as these: the two-sided p of the Wilcoxon
 * signed-rank test. Exact, with mean ranks for equal differences. Pairs without a difference are left out.
 *
 * Source: Wilcoxon 1945, "Individual Comparisons by Ranking Methods".
 */
export function signedRank(differences: readonly number[]): number {
  const nonZero = differences.filter((difference) => difference !== 0)
  const ranks = doubledRanks(nonZero.map(Math.abs))
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const positive = ranks.reduce((sum, rank, i) => sum + ((nonZero[i] ?? 0) > 0 ? rank : 0), 0)
  const distance = Math.abs(positive - total / 2)
  /** The number of sign assignments for each sum of the positive ranks. */
  const ways = new Float64Array(total + 1)
  ways[0] = 1
  for (const rank of ranks) addShifted(ways, ways, rank)
  let asFar = 0
  ways.forEach((count, sum) => {
    if (Math.abs(sum - total / 2) >= distance) asFar += count
  })
  return asFar / 2 ** nonZero.length
}

/** The smallest p of that test for this number of pairs: the p of pairs that all differ in the same direction. */
export function smallestSignedRankP(pairs: number): number {
  return 2 / 2 ** pairs
}

/** Twice the rank of each value, so that mean ranks of equal values are whole numbers. */
function doubledRanks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return 2 * below + equal + 1
  })
}

/** The number of ways to choose `taken` of the ranks, for each sum of the chosen ones. */
function waysToSum(ranks: readonly number[], taken: number): Float64Array {
  const most = ranks.reduce((sum, rank) => sum + rank, 0)
  const none = new Float64Array(most + 1)
  none[0] = 1
  const ways = [none, ...Array.from({ length: taken }, () => new Float64Array(most + 1))]
  for (const rank of ranks) {
    for (let chosen = taken; chosen > 0; chosen -= 1) {
      const [before = none, now = none] = [ways[chosen - 1], ways[chosen]]
      addShifted(before, now, rank)
    }
  }
  return ways.at(-1) ?? none
}

/** Adds each number to the one that is `shift` places above it, the highest first. */
function addShifted(from: Float64Array, to: Float64Array, shift: number): void {
  for (let at = from.length - 1 - shift; at >= 0; at -= 1) to[at + shift] = (to[at + shift] ?? 0) + (from[at] ?? 0)
}
