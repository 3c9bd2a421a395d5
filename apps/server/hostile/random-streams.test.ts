import { Random } from '@demo/testkit/random'
import type * as RandomStreams from './attacks/random-streams.ts'
import { cut, judge, makeStream, type Rules } from './attacks/streams.ts'
import { startAttacker } from './fixture/attacker.ts'
import type { Figures } from './fixture/figures.ts'
import { type Fixture, fixtureOf, startFixture, teardown } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { SocketlessServer } from './fixture/socketless-session.ts'
import { startGuardedServer, TOKEN } from './fixture/special-servers.ts'

const ACK_LENGTH = 14
const MAX_FRAME_LENGTH = 1024 * 1024
const OPEN: Rules = { maxFrameLength: MAX_FRAME_LENGTH, password: undefined }
const GUARDED: Rules = { maxFrameLength: MAX_FRAME_LENGTH, password: TOKEN }

const IN_PROCESS = 1_000_000
const OVER_SOCKETS = 20_000
const SEED = Number(process.env['HOSTILE_SEED'])

scenario(7, '1,000,000 mutated and random streams, in process', async (figures) => {
  const reasons = new Map<string, number>()
  const wrong: string[] = []
  for (const rules of [OPEN, GUARDED]) {
    const server = new SocketlessServer(rules)
    for (let i = 0; i < IN_PROCESS / 2; i++) {
      const random = new Random(SEED + i)
      const bytes = makeStream(random, rules)
      const { reason, answers } = judge(bytes, rules)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      const outcome = server.take(cut(bytes, random))
      if (outcome.reason === reason && outcome.written === answers * ACK_LENGTH) continue
      wrong.push(
        `seed ${SEED + i}: ${JSON.stringify(outcome)}, not ${reason} after ${answers}: ${bytes.toString('hex')}`,
      )
    }
  }
  note(figures, reasons, wrong)
})

for (const { name, rules, start } of [
  { name: 'that need no Conn', rules: OPEN, start: () => startFixture() },
  {
    name: 'that need a Conn',
    rules: GUARDED,
    start: () => fixtureOf(startGuardedServer(), { credentials: TOKEN }),
  },
]) {
  scenario(7, `10,000 mutated and random streams over sockets ${name}`, async (figures) => {
    const fixture: Fixture = await start()
    const { server } = fixture
    const client = startAttacker<typeof RandomStreams>('random-streams')
    const { expected, hung, wrong } = await client.do('sendStreams', server.port, OVER_SOCKETS / 2, SEED, rules)
    const closed = (await server.untilScraped('all to be closed', (all) => all.value('client_connected') === 1)).closed
    const reasons = new Map(Object.entries(expected))
    note(figures, reasons, wrong)
    figures.exactly('hung', hung, 0)
    const misjudged = [...new Set([...Object.keys(closed), ...reasons.keys()])].filter(
      (reason) => closed[reason] !== expected[reason],
    )
    figures.exactly('close reasons with a wrong count', misjudged.length, 0)
    await teardown(fixture, figures)
  })
}

function note(figures: Figures, reasons: ReadonlyMap<string, number>, wrong: readonly string[]): void {
  for (const [reason, times] of reasons) figures.note(`must end as ${reason}`, times.toLocaleString('en-US'))
  figures.exactly('answered or ended in another way', wrong.length, 0)
  if (wrong.length > 0) console.error(wrong.slice(0, 5).join('\n'))
}
