const BITS = 64

/**
 * Makes a seed for each worker. With consecutive seeds the random numbers of the workers would be related. This is the
 * mixing function of SplitMix64.
 */
export function mixSeed(seed: number, worker: number): number {
  const ofSeed = mix(BigInt(seed))
  return Number(BigInt.asIntN(32, mix(ofSeed + BigInt(worker))))
}

function mix(value: bigint): bigint {
  let mixed = BigInt.asUintN(BITS, value + 0x9e3779b97f4a7c15n)
  mixed = BigInt.asUintN(BITS, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n)
  mixed = BigInt.asUintN(BITS, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn)
  return mixed ^ (mixed >> 31n)
}
