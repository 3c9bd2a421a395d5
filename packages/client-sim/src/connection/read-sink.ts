/**
 * Takes the bytes of a socket, in place of its `data` events. They are read into one buffer that all such sockets share,
 * so that a read allocates nothing. The chunk is valid until `receive` returns.
 */
export interface ReadSink {
  receive(chunk: Uint8Array): void
}

const SHARED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/** The options of a socket that reads into a sink. */
export function readInto(sink: ReadSink) {
  const callback = (length: number) => {
    sink.receive(SHARED_BUFFER.subarray(0, length))
    // True: go on reading.
    return true
  }
  return { onread: { buffer: SHARED_BUFFER, callback } }
}
