import { Duplex } from 'node:stream'
import { connect } from 'node:tls'

/** The first message of a TLS client, as hex. */
export function clientHello(): Promise<string> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer) {
        resolve(chunk.toString('hex'))
      },
    })
    connect({ socket: wire }).on('error', () => {})
  })
}
