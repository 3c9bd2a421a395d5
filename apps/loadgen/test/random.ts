/** Random numbers from 0 to 1, the same for the same seed: a linear congruential generator, after Numerical Recipes. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}
