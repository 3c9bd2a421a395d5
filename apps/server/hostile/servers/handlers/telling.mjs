const tell = (handler, { remotePort }) => process.stdout.write(`${handler} ${remotePort}\n`)

/** Tells on standard output which handler was called, and on behalf of which peer. */
export default {
  onConn: (_conn, { session }) => void tell('onConn', session),
  onSubmit: (_submit, { session }) => void tell('onSubmit', session),
}
