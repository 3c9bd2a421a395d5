/** The four commands, by the numbers that the specification gives them. A dialect may put others on the wire. */
export const CommandId = { Conn: 0x01, Submit: 0x02, ConnAck: 0x81, SubmitAck: 0x82 } as const

export type CommandId = (typeof CommandId)[keyof typeof CommandId]
