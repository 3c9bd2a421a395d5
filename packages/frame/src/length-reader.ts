// The length lies in the bytes that are read, so each byte is a number: `as number` costs nothing on the path of a frame.

export type LengthBytes = 1 | 2 | 3 | 4
export type Endian = 'big' | 'little'

type LengthReader = (bytes: Uint8Array, at: number) => number

/** A reader for each width and order, so that none has to check them. `extra` is added to the length that is read. */
const READERS: Readonly<Record<Endian, Readonly<Record<LengthBytes, (extra: number) => LengthReader>>>> = {
  big: {
    1: (extra) => (b, at) => (b[at] as number) + extra,
    2: (extra) => (b, at) => (((b[at] as number) << 8) | (b[at + 1] as number)) + extra,
    3: (extra) => (b, at) => (((b[at] as number) << 16) | ((b[at + 1] as number) << 8) | (b[at + 2] as number)) + extra,
    // >>> 0 keeps 32 bits unsigned.
    4: (extra) => (b, at) =>
      ((((b[at] as number) << 24) |
        ((b[at + 1] as number) << 16) |
        ((b[at + 2] as number) << 8) |
        (b[at + 3] as number)) >>>
        0) +
      extra,
  },
  little: {
    1: (extra) => (b, at) => (b[at] as number) + extra,
    2: (extra) => (b, at) => ((b[at] as number) | ((b[at + 1] as number) << 8)) + extra,
    3: (extra) => (b, at) => ((b[at] as number) | ((b[at + 1] as number) << 8) | ((b[at + 2] as number) << 16)) + extra,
    4: (extra) => (b, at) =>
      (((b[at] as number) |
        ((b[at + 1] as number) << 8) |
        ((b[at + 2] as number) << 16) |
        ((b[at + 3] as number) << 24)) >>>
        0) +
      extra,
  },
}

/** A function that reads a length and adds `extra`. */
export function lengthReader(lengthBytes: LengthBytes, endian: Endian, extra: number): LengthReader {
  return READERS[endian][lengthBytes](extra)
}
