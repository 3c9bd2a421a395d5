/** The four commands, with their numbers in the specification. A dialect may use other numbers on the wire. */
export const CommandId = { Conn: 0x01, Submit: 0x02, ConnAck: 0x81, SubmitAck: 0x82 } as const

export type CommandId = (typeof CommandId)[keyof typeof CommandId]
