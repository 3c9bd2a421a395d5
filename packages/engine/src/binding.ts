/** The functions of the addon, for one thread. Each that returns a number returns a negative errno when it fails. */
export interface Binding {
  /**
   * Begins. The memory is shared with the addon from now on: nothing else may have it.
   *
   * @param onTurn called once a turn, or a few times when it brings many frames: with the first event, the one after the last,
   *   and where the bytes read end in the arena, or 0 while more events follow
   */
  start(
    onTurn: (from: number, to: number, used: number) => void,
    events: ArrayBuffer,
    frames: ArrayBuffer,
    answers: ArrayBuffer,
    slots: ArrayBuffer,
  ): void
  /** What is read from the next turn on lies there, from its beginning on. */
  setArena(arena: ArrayBuffer): void
  /** Whether a turn leaves the bytes of those before as they are. */
  setKeep(keep: boolean): void
  /**
   * Opens a socket that listens on an IP address, or on the path of a Unix socket, with a port of -1. Returns its
   * descriptor.
   */
  open(address: string, port: number, backlog: number): number
  /** Has a socket listen that is bound already. */
  adopt(descriptor: number, backlog: number): number
  closeDescriptor(descriptor: number): number
  /** Where it is bound: an IP address and a port, or a path and -1. */
  localAddress(descriptor: number): [address: string, port: number]
  /** Accepts from a listening descriptor: of a shared one (1) one connection a turn. Returns the listener's number. */
  listen(descriptor: number, shared: 0 | 1): number
  pauseListener(listener: number): number
  resumeListener(listener: number): number
  unlisten(listener: number): void
  /** Begins to connect to an IP address, or to the path of a Unix socket, with a port of -1. Returns the slot. */
  connect(address: string, port: number): number
  setHighWaterMark(slot: number, bytes: number): number
  /** How it is cut; with a request of 0, what comes are answers. */
  setPlan(slot: number, request: number, answer: number, longest: number, most: number): number
  resume(slot: number): number
  /** Returns how many bytes are unsent. */
  write(slot: number, bytes: Uint8Array, length: number): number
  /** Sends requests with serial numbers from `serial` on, each the frame with another ID. Returns as `write`. */
  sendRequests(slot: number, frame: Uint8Array, serial: number, count: number): number
  /** Returns 1 if our side is ended, 0 if it will be when everything is sent. */
  end(slot: number): number
  close(slot: number): number
  /** The peer's IP address, empty where there is none, and its port. */
  peer(slot: number): [address: string, port: number]
}

/** The numbers of one event, as in `native/engine.h`. */
export const EventField = {
  kind: 0,
  slot: 1,
  value: 2,
  start: 3,
  fresh: 4,
  end: 5,
  cutEnd: 6,
  stopped: 7,
  firstFrame: 8,
  frames: 9,
  answers: 10,
  kept: 11,
  fields: 12,
} as const

export const EventKind = {
  bytes: 1,
  frames: 2,
  answers: 3,
  ended: 4,
  failed: 5,
  full: 6,
  writable: 7,
  finished: 8,
  connected: 9,
  accepted: 10,
  acceptFailed: 11,
} as const

/** The numbers of one slot, as in `native/engine.h`. */
export const SlotField = { flags: 0, unsent: 1, tail: 2, fields: 4 } as const

export const SlotFlag = { paused: 1, cut: 2, ready: 4 } as const

/** The length of an answer that is written ahead, in bytes. */
export const ANSWER_LENGTH = 14
