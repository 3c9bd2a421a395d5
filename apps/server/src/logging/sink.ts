/** Where log lines are written to: standard error, or a replacement in a test. A write never blocks. */
export interface Sink {
  /** What waits to be written, in characters or bytes. */
  readonly writableLength: number
  readonly destroyed?: boolean
  /** Called when writing works again after the disk was full, with the number of lines lost. */
  onRecovered?: (lost: number) => void
  write(line: string): unknown
}
