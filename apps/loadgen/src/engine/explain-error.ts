import { ClientError } from '@demo/client-sim'

/** The system gave the process no more file descriptors. */
const OUT_OF_DESCRIPTORS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE'])

/** The message of a connection's error for the user: what is wrong, and what to do. */
export function explainError(error: Error): string {
  const { message } = error
  if (OUT_OF_DESCRIPTORS.has(systemCodeOf(error))) {
    return `${message}; more open files are needed than allowed: see ulimit -n`
  }
  if (!(error instanceof ClientError)) return message
  const { dialect, code } = error
  if (dialect !== undefined) return `the server answers in the ${dialect} dialect; try --dialect ${dialect}`
  if (code === 'ERR_CLIENT_UNAUTHORIZED') return `${message}; see --token-file`
  // A FrameError has no code for the protocol that the bytes look like.
  if (code === 'ERR_CLIENT_PROTOCOL' && message.endsWith('seems to speak TLS')) return `${message}; try --tls`
  // Errors are counted by message. The number of requests would make each message another one; it is counted elsewhere.
  if (code === 'ERR_CLIENT_CONNECTION_LOST') {
    return message.replace(/ with \d+ requests unanswered$/, ' with requests unanswered')
  }
  return message
}

/** The system's code of an error or of its cause, like `EMFILE`. A name with several addresses has several causes. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof AggregateError) return error.errors.map(systemCodeOf).find((code) => code !== undefined)
  if (!(error instanceof ClientError) && 'code' in error) return String(error.code)
  return systemCodeOf(error.cause)
}
