/**
 * Makes writes to standard output and error non-blocking. Call it again after each start of a child process: that makes
 * inherited descriptors blocking, in this process too.
 */
export function makeStdioNonBlocking(): void {
  for (const stream of [process.stderr, process.stdout]) makeNonBlocking(stream)
}

/** Files have no handle. */
export function makeNonBlocking(stream: object): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(on: boolean): number } | null }
  handle?.setBlocking?.(false)
}
