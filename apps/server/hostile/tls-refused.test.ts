import { createAuthority } from '@demo/testkit/certificates'
import { submit } from '@demo/testkit/wire'
import { clientHello } from './attacks/client-hello.ts'
import type { ClientTls } from './attacks/dial.ts'
import type * as OneShotClients from './attacks/one-shot-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { seconds } from './fixture/figures.ts'
import { fixtureOf, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { startMutualTlsServer } from './fixture/special-servers.ts'

const EACH = 50
const LIMIT = 4
const HOUR = 3_600_000

/** A kind of peer that must be refused, and what the log must say about it. */
interface Kind {
  readonly name: string
  readonly sends: string
  readonly tls?: ClientTls
  readonly reason: 'unauthorized' | 'handshake-error' | 'handshake-timeout'
  readonly error?: string
}

scenario(16, 'TLS: 50 of each kind of peer that must be refused', async (figures) => {
  const authority = await createAuthority('authority')
  const stranger = await createAuthority('stranger')
  const tls = { ca: authority.cert, ...(await authority.sign('healthy')) }
  const fixture = await fixtureOf(startMutualTlsServer(authority, ['--handshake-timeout', `${LIMIT}s`]), { tls })
  const { server } = fixture

  const { cert: ca } = authority
  const expired = await authority.sign('expired', { from: -2 * HOUR, to: -HOUR })
  const hello = await clientHello()
  const refused = { sends: submit(1), reason: 'unauthorized' } as const
  const stalled = { reason: 'handshake-timeout' } as const
  const failed = { reason: 'handshake-error' } as const
  const kinds: readonly Kind[] = [
    { ...refused, name: 'expired', tls: { ca, ...expired }, error: "the client's certificate has expired" },
    {
      ...refused,
      name: 'of another authority',
      tls: { ca, ...(await stranger.sign('healthy')) },
      error: "the client's certificate is signed by an unknown authority",
    },
    { ...refused, name: 'no certificate', tls: { ca }, error: 'the client presented no certificate' },
    {
      ...failed,
      name: 'plain text',
      sends: submit(1, 'ab'.repeat(20)),
      error: 'the TLS handshake failed: the peer seems not to speak TLS',
    },
    {
      ...failed,
      name: 'HTTP',
      sends: Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'),
      error: 'the TLS handshake failed: the peer seems to speak HTTP, without TLS',
    },
    { ...stalled, name: 'silent', sends: '' },
    { ...stalled, name: 'stalled inside its first message', sends: hello.slice(0, hello.length / 2) },
    { ...stalled, name: 'stalled after its first message', sends: hello },
  ]

  const clients = startAttacker<typeof OneShotClients>('one-shot-clients')
  const start = ({ sends, tls }: Kind) =>
    clients.do('sendAndListen', {
      port: server.port,
      sends: Array.from({ length: EACH }, () => sends),
      ...(tls === undefined ? {} : { tls }),
    })
  // Those that stall come last, because they are timed, and the handshakes of the others keep the processor busy.
  const isLate = ({ reason }: Kind) => reason === 'handshake-timeout'
  const early = await Promise.all(kinds.filter((kind) => !isLate(kind)).map(start))
  const visits = [...early, ...(await Promise.all(kinds.filter(isLate).map(start)))]
  const lines = await server.untilLogged('connection closed', kinds.length * EACH)
  for (const [i, { name, reason, error }] of kinds.entries()) {
    const those = visits[i] ?? []
    const ports = new Set(those.map(({ localPort }) => localPort))
    const own = lines.filter(({ remotePort }) => ports.has(Number(remotePort)))
    const right = own.filter((line) => line['reason'] === reason && line['error'] === error && line['requests'] === 0)
    figures.exactly(`${name}: ${reason}, and the log says why`, right.length, EACH)
    if (reason !== 'handshake-timeout') continue
    const lifetimes = those.map(({ lifetime }) => lifetime)
    figures.near(`${name}: closed after`, lifetimes, LIMIT, 1, seconds)
  }
  const all = visits.flat()
  figures.exactly('closed by the server', all.filter(({ ended }) => ended).length, kinds.length * EACH)
  // A stalled peer has received the server's half of the handshake, and nothing else.
  const answered = all.filter(({ received }) => received.startsWith('0000000e82'))
  figures.exactly('answered', answered.length, 0)
  const { closed } = await server.scrape()
  for (const reason of ['unauthorized', 'handshake-error', 'handshake-timeout'] as const) {
    figures.exactly(
      `counted as ${reason}`,
      closed[reason] ?? 0,
      EACH * kinds.filter((kind) => kind.reason === reason).length,
    )
  }
  await teardown(fixture, figures)
})
