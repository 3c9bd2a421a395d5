/** The longest path of a Unix socket in bytes: `sun_path` of unix(7) without its final zero. Windows has pipes instead. */
const MAX_LENGTH = { linux: 107, win32: Number.POSITIVE_INFINITY }[process.platform as string] ?? 103

/**
 * What is wrong with the path of a Unix socket, or undefined. Node before 22 truncates a path that is too long or has a zero
 * byte inside, and connects to the truncated path.
 */
export function socketPathProblem(path: string): string | undefined {
  if (path.includes('\0', 1)) return 'its path has a zero byte inside'
  // An abstract socket has a zero byte before its name.
  const length = Buffer.byteLength(path.startsWith('\0') ? path.slice(1) : path)
  if (length <= MAX_LENGTH) return undefined
  return `its path has ${length} bytes, a Unix socket's path has at most ${MAX_LENGTH}`
}
