/** The middle of some values, the mean of the two in the middle of an even number of them; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2
}

/** Makes of a median absolute deviation what a standard deviation would be, were the values normally distributed. */
const MAD_TO_DEVIATION = 1.4826

/**
 * How far values are from their median as a rule, relative to it: the median absolute deviation, scaled as a standard
 * deviation. One wild value changes nothing. 0 for a single value.
 */
export function noise(values: readonly number[]): number {
  const middle = median(values)
  if (middle === 0) return 0
  return (MAD_TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)))) / Math.abs(middle)
}

/**
 * The chance that two samples of the same distribution are at least as far apart as these, either way: the p of the
 * Mann-Whitney U test. Exact, with mean ranks for equal values; nothing is assumed about the distribution.
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

/** The smallest p that the test above can give for samples of these sizes: that of two that do not overlap. */
export function smallestP(a: number, b: number): number {
  let ways = 1
  for (let i = 1; i <= a; i += 1) ways = (ways * (b + i)) / i
  return 2 / ways
}

/**
 * The chance that pairs of the same distribution differ at least as much, either way, as these: the p of the Wilcoxon
 * signed-rank test. Exact, with mean ranks for equal differences; pairs without a difference say nothing.
 *
 * Source: Wilcoxon 1945, "Individual Comparisons by Ranking Methods".
 */
export function signedRank(differences: readonly number[]): number {
  const told = differences.filter((difference) => difference !== 0)
  const ranks = doubledRanks(told.map(Math.abs))
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const positive = ranks.reduce((sum, rank, i) => sum + (told[i] > 0 ? rank : 0), 0)
  const distance = Math.abs(positive - total / 2)
  /** In how many ways signs can be given so that the positive ranks have this sum. */
  const ways = new Float64Array(total + 1)
  ways[0] = 1
  for (const rank of ranks) for (let sum = total - rank; sum >= 0; sum -= 1) ways[sum + rank] += ways[sum]
  let asFar = 0
  ways.forEach((count, sum) => {
    if (Math.abs(sum - total / 2) >= distance) asFar += count
  })
  return asFar / 2 ** told.length
}

/** The smallest p that the test above can give for so many pairs: that of pairs that all differ the same way. */
export function smallestSignedRankP(pairs: number): number {
  return 2 / 2 ** pairs
}

/** The rank of each value, twice: so that the mean rank of equal values is a whole number. */
function doubledRanks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return 2 * below + equal + 1
  })
}

/** In how many ways so many of the ranks can be taken, for each sum that they can have. */
function waysToSum(ranks: readonly number[], taken: number): Float64Array {
  const most = ranks.reduce((sum, rank) => sum + rank, 0)
  const ways = Array.from({ length: taken + 1 }, () => new Float64Array(most + 1))
  ways[0][0] = 1
  for (const rank of ranks) {
    for (let already = taken - 1; already >= 0; already -= 1) {
      const from = ways[already]
      const to = ways[already + 1]
      for (let sum = most - rank; sum >= 0; sum -= 1) to[sum + rank] += from[sum]
    }
  }
  return ways[taken]
}
