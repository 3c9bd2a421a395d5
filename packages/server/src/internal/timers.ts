/** The longest that a timer of Node can wait, in milliseconds: 24 days. Longer ones fire at once. */
export const MAX_TIMER = 2 ** 31 - 1
