/** The largest count that an option may have: that of a signed integer of 32 bits. */
export const MAX_COUNT = 2 ** 31 - 1

/** The integers that an option may have, and its default. */
export interface IntegerRange {
  readonly min: number
  readonly max: number
  readonly defaultValue: number
}

export function isInteger(value: unknown, { min, max }: Pick<IntegerRange, 'min' | 'max'>): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
