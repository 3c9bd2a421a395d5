const report = (handler, { remotePort }) => process.stdout.write(`${handler} ${remotePort}\n`)

/** Prints to standard output which handler was called, and for which peer. */
export default {
  onConn: (_conn, { session }) => void report('onConn', session),
  onSubmit: (_submit, { session }) => void report('onSubmit', session),
}
