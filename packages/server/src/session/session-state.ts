import type { SessionState } from '../api/session.ts'

/**
 * The states of a session, the events that move it, and where each event leads. An event that is not listed for a state
 * changes nothing.
 *
 * | state       | bytes     | frames               | answers | moves on when                                      |
 * |-------------|-----------|----------------------|---------|----------------------------------------------------|
 * | `opening`   | a proxy's |                      |         | its header, TLS and `onOpen` are done → open       |
 * |             | header,TLS|                      |         | they fail → closed                                 |
 * | `open`      | taken     | taken                | sent    | the peer ends, the server drains → finishing       |
 * |             |           |                      |         | an error, a limit, `close()` → answering           |
 * | `finishing` | left      | those received: taken| sent    | none is left → answering                           |
 * | `answering` | left      | left                 | sent    | nothing is in flight → lingering, our side is ended|
 * | `lingering` | discarded | left                 | all sent| the peer ends, the linger limit → closed           |
 * | `closed`    |           |                      |         |                                                    |
 *
 * Any state goes to `closed` at once when the connection is lost.
 */
const TRANSITIONS = {
  /** The handshake is done, and `onOpen` is called or has settled. */
  opened: { opening: 'open' },
  /** `onOpen` is asynchronous. */
  held: { open: 'opening' },
  /** Reading has ended: the peer ended its side, or the server drains. */
  ended: { open: 'finishing' },
  /** Taking requests has ended: an error, a limit, or `close()`. */
  stopped: { open: 'answering', finishing: 'answering' },
  /** Every request that was received has been taken. */
  taken: { finishing: 'answering' },
  /** Every request that was taken has been answered. */
  answered: { answering: 'lingering' },
  /** The connection is closed. */
  closed: {
    opening: 'closed',
    open: 'closed',
    finishing: 'closed',
    answering: 'closed',
    lingering: 'closed',
  },
} as const satisfies Record<string, Partial<Record<SessionState, SessionState>>>

export type SessionEvent = keyof typeof TRANSITIONS

/** The state that an event leads to, or undefined when it changes nothing. */
export function nextState(state: SessionState, event: SessionEvent): SessionState | undefined {
  const transitions: Partial<Record<SessionState, SessionState>> = TRANSITIONS[event]
  return transitions[state]
}
