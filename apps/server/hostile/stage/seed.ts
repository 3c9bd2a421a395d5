/** The seed of everything random in a run: `HOSTILE_SEED`, or a new one each time. It is printed with the figures. */
export function seedOfRun(): number {
  const given = process.env['HOSTILE_SEED']
  if (given === undefined) return Math.floor(Math.random() * 2 ** 32)
  const seed = Number(given)
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed
  throw new Error(`HOSTILE_SEED is ${given}; it must be an integer from 0 to ${2 ** 32 - 1}`)
}
