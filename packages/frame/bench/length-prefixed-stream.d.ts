declare module 'length-prefixed-stream' {
  import type { Duplex } from 'node:stream'

  const lengthPrefixed: { decode(): Duplex }
  export default lengthPrefixed
}
