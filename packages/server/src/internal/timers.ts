/** The longest delay of a Node timer, in milliseconds: 24 days. A longer one fires at once. */
export const MAX_TIMER = 2 ** 31 - 1
