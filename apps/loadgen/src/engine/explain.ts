import { ClientError } from '@demo/client-sim'

/** What a person is told of a connection that came to nothing: what is wrong, and what to do. */
export function explain(error: Error): string {
  const { message } = error
  if (error instanceof ClientError) {
    const { dialect, code } = error
    if (dialect !== undefined) return `the server answers in the ${dialect} dialect; try --dialect ${dialect}`
    if (code === 'ERR_CLIENT_UNAUTHORIZED') return `${message}; see --token-file`
    if (code === 'ERR_CLIENT_PROTOCOL' && message.endsWith('seems to speak TLS')) return `${message}; try --tls`
  }
  if (isOutOfDescriptors(error)) return `${message}; more open files are needed than allowed: see ulimit -n`
  // How many they were on each connection makes a line of its own for each: they are counted elsewhere.
  return message.replace(/ with \d+ requests unanswered$/, ' with requests unanswered')
}

/** Whether the system let this process have no more files and sockets. */
function isOutOfDescriptors({ cause, ...error }: Error): boolean {
  const codes = [error, cause].map((one) => (one instanceof Object && 'code' in one ? one.code : undefined))
  return codes.includes('EMFILE') || codes.includes('ENFILE')
}
