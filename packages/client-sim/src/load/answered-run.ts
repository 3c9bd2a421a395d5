/** When the next request was due, in milliseconds on the monotonic clock: called once for each request. */
export type DueTimes = () => number

/** Requests that were due at one time, sent at one time, and answered at one time with the same success. */
export interface AnsweredRun {
  /** When they were due, in milliseconds on the monotonic clock; the same as `sentAt` without due times. */
  dueAt: number
  /** When they were sent, in milliseconds on the monotonic clock. */
  sentAt: number
  /** When they were answered, in milliseconds on the monotonic clock. */
  answeredAt: number
  /** How many they are. */
  count: number
  /** Whether the result was 0. */
  succeeded: boolean
}
