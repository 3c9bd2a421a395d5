import { createHash } from 'node:crypto'
import { conn, connAck, submit } from '@demo/testkit/wire'
import type * as OneShotClients from './attacks/one-shot-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import type { Figures } from './fixture/figures.ts'
import { type Fixture, fixtureOf, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { handlerFlags, startGuardedServer, TOKEN } from './fixture/special-servers.ts'

const WRONG = 5000
const OTHERS = 500

/** The beginning of all wrong tokens. Its length keeps it recognizable in base64. */
const TRIED = 'a stolen secret'

const hex = (text: string) => Buffer.from(text).toString('hex')

/** Each client sends a Submit after an invalid beginning. No handler may see it. */
const ATTEMPTS = [
  {
    name: '5,000 wrong tokens',
    reason: 'unauthorized',
    sends: Array.from({ length: WRONG }, (_, i) => conn(1, hex(`${TRIED} ${i}`)) + submit(2)),
    answer: connAck(1, 1),
    calls: 0,
  },
  {
    name: '500 times Submit before Conn',
    reason: 'packet-error',
    sends: Array.from({ length: OTHERS }, (_, i) => submit(1, hex(`${TRIED} ${i}`)) + conn(2, hex(TOKEN))),
    answer: '',
    calls: 0,
  },
  {
    name: '500 times a second Conn',
    reason: 'packet-error',
    sends: Array.from({ length: OTHERS }, () => conn(1, hex(TOKEN)) + conn(2, hex(TRIED)) + submit(3)),
    answer: connAck(1, 0),
    // The first Conn is right: onConn is called once.
    calls: 1,
  },
] as const

scenario(17, '5,000 wrong tokens, Submit before Conn, a second Conn', async (figures) => {
  const flags = ['--log-level', 'trace', ...handlerFlags('reporting')]
  const fixture = await fixtureOf(startGuardedServer(flags), { credentials: TOKEN })
  const { server } = fixture
  const clients = startAttacker<typeof OneShotClients>('one-shot-clients')
  let closed = 0
  for (const { name, reason, sends, answer, calls } of ATTEMPTS) {
    const visits = await clients.do('sendAndListen', { port: server.port, sends, atOnce: 100 })
    closed += sends.length
    const lines = await server.untilLogged('connection closed', closed)
    const ports = new Set(visits.map(({ localPort }) => localPort))
    const own = lines.slice(-sends.length).filter(({ remotePort }) => ports.has(Number(remotePort)))
    figures.exactly(`${name}: ${reason}`, own.filter((line) => line['reason'] === reason).length, sends.length)
    const right = visits.filter(({ received, ended }) => ended && received === answer)
    figures.exactly('answered as required', right.length, sends.length)
    const called = handlerCalls(fixture).filter((call) => ports.has(call.remotePort))
    figures.exactly('handlers called in excess, or not called', Math.abs(called.length - calls * sends.length), 0)
    figures.exactly('calls of onSubmit', called.filter(({ handler }) => handler === 'onSubmit').length, 0)
  }
  await recordSecrets(fixture, figures)
  await teardown(fixture, figures)
})

/** Which handlers were called so far, and for which peers. */
function handlerCalls({ server }: Fixture): { handler: string; remotePort: number }[] {
  return server.program.stdoutLines.map((line) => {
    const [handler = '', port] = line.split(' ')
    return { handler, remotePort: Number(port) }
  })
}

/** Looks for the secrets in the log and the metrics, in all likely encodings. */
async function recordSecrets({ server }: Fixture, figures: Figures): Promise<void> {
  const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
  const hash = createHash('sha256').update(TOKEN).digest('hex')
  const secrets = [TOKEN, TRIED].flatMap((secret) => [secret, hex(secret), Buffer.from(secret).toString('base64')])
  const shownIn = (text: string) => [...secrets, hash].filter((secret) => text.includes(secret)).length
  figures.exactly('secrets in the log, at trace', shownIn(server.program.stderr), 0)
  figures.exactly('secrets in the metrics', shownIn(metrics), 0)
}
