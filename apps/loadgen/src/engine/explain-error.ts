import { ClientError } from '@demo/client-sim'

/** The system gave the process no more files and sockets. From another thread comes the message alone. */
const OUT_OF_DESCRIPTORS = /\b(?:EMFILE|ENFILE)\b/

/** What a person is told of a connection that came to nothing: what is wrong, and what to do. */
export function explainError(error: Error): string {
  const { message } = error
  if (error instanceof ClientError) {
    const { dialect, code } = error
    if (dialect !== undefined) return `the server answers in the ${dialect} dialect; try --dialect ${dialect}`
    if (code === 'ERR_CLIENT_UNAUTHORIZED') return `${message}; see --token-file`
    if (code === 'ERR_CLIENT_PROTOCOL' && message.endsWith('seems to speak TLS')) return `${message}; try --tls`
  }
  if (OUT_OF_DESCRIPTORS.test(message)) return `${message}; more open files are needed than allowed: see ulimit -n`
  // How many they were on each connection makes a line of its own for each: they are counted elsewhere.
  return message.replace(/ with \d+ requests unanswered$/, ' with requests unanswered')
}
