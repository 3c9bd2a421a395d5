/** Lets in whoever says the password. */
export default {
  onConn: (conn) => (Buffer.from(conn.payload).toString() === 'let me in' ? 0 : 1),
  onSubmit() {},
}
