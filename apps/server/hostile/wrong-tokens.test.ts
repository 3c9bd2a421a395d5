import { createHash } from 'node:crypto'
import { conn, connAck, submit } from '@demo/testkit/wire'
import type * as Visitors from './attacks/visitors.ts'
import { startAttacker } from './stage/attacker.ts'
import type { Figures } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { handledBy, startGuardedServer, TOKEN } from './stage/special-servers.ts'
import { type Stage, stageOf, strikeStage } from './stage/stage.ts'

const WRONG = 5000
const OTHERS = 500

/** What all tokens begin with that are tried; of a length that shows in base64 as well. */
const TRIED = 'a stolen secret'

const hex = (text: string) => Buffer.from(text).toString('hex')

/** Each sends a Submit behind what it must not get in with: nobody is to see it. */
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
    // The first Conn is right: onConn is asked, once.
    calls: 1,
  },
] as const

row(17, '5,000 wrong tokens, Submit before Conn, a second Conn', async (figures) => {
  const flags = ['--log-level', 'trace', ...handledBy('telling')]
  const stage = await stageOf(startGuardedServer(flags), { credentials: TOKEN })
  const { server } = stage
  const visitors = startAttacker<typeof Visitors>('visitors')
  let closed = 0
  for (const { name, reason, sends, answer, calls } of ATTEMPTS) {
    const visits = await visitors.do('visit', { port: server.port, sends, atOnce: 100 })
    closed += sends.length
    const lines = await server.untilLogged('connection closed', closed)
    const ports = new Set(visits.map(({ localPort }) => localPort))
    const told = lines.slice(-sends.length).filter(({ remotePort }) => ports.has(Number(remotePort)))
    figures.exactly(`${name}: ${reason}`, told.filter((line) => line['reason'] === reason).length, sends.length)
    const right = visits.filter(({ received, ended }) => ended && received === answer)
    figures.exactly('answered as they deserve', right.length, sends.length)
    const called = handlerCalls(stage).filter((call) => ports.has(call.remotePort))
    figures.exactly('handlers called otherwise than told', Math.abs(called.length - calls * sends.length), 0)
    figures.exactly('calls of onSubmit', called.filter(({ handler }) => handler === 'onSubmit').length, 0)
  }
  await noteSecrets(stage, figures)
  await strikeStage(stage, figures)
})

/** Which handlers were called so far, and for whom. */
function handlerCalls({ server }: Stage): { handler: string; remotePort: number }[] {
  return server.program.stdoutLines.map((line) => {
    const [handler = '', port] = line.split(' ')
    return { handler, remotePort: Number(port) }
  })
}

/** Looks for what must not be there, in each way in which it is likely to be written down. */
async function noteSecrets({ server }: Stage, figures: Figures): Promise<void> {
  const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
  const hash = createHash('sha256').update(TOKEN).digest('hex')
  const secrets = [TOKEN, TRIED].flatMap((secret) => [secret, hex(secret), Buffer.from(secret).toString('base64')])
  const shownIn = (text: string) => [...secrets, hash].filter((secret) => text.includes(secret)).length
  figures.exactly('secrets in the log, at trace', shownIn(server.program.stderr), 0)
  figures.exactly('secrets in the metrics', shownIn(metrics), 0)
}
