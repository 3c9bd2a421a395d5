import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine } from '../test/demo-server.ts'
import { startDemoServer } from '../test/demo-server.ts'
import type * as IdleClients from './attacks/idle-clients.ts'
import { startAttacker } from './fixture/attacker.ts'
import { seconds } from './fixture/figures.ts'
import { fixtureOf, teardown, timeUntil } from './fixture/fixture.ts'
import { scenario } from './fixture/scenario.ts'
import { noFakeTime, WallClock } from './fixture/wall-clock.ts'

const HOUR = 3600
const QUIET = 100
const DRIPPING = 50
const LIMIT = 4

scenario(
  15,
  'the wall clock jumps an hour ahead, and two back',
  async (figures) => {
    const clock = new WallClock()
    const flags = ['--frame-timeout', `${LIMIT}s`, '--idle-timeout', '1m']
    const fixture = await fixtureOf(startDemoServer(flags, { environment: clock.environment }))
    const { server } = fixture
    const quiet = startAttacker<typeof IdleClients>('idle-clients')
    await quiet.do('connectAll', { port: server.port, connections: QUIET })

    const jumps: number[] = []
    for (const offset of [HOUR, -HOUR]) {
      const dripping = startAttacker<typeof IdleClients>('idle-clients')
      await dripping.do('connectAll', { port: server.port, connections: DRIPPING, sends: '00000040' })
      // In the middle of the frame timeout.
      clock.set(offset)
      await timeUntil(async () => (await dripping.do('state')).ended === DRIPPING, 10_000)
      const { lifetimes } = await dripping.do('state')
      figures.exactly(`closed at their limit, ${offset / HOUR} h`, lifetimes.length, DRIPPING)
      figures.near(`closed after, ${offset / HOUR} h`, lifetimes, LIMIT, 1, seconds)
      await sleep(100)
      const time = (line: LogLine | undefined) => Date.parse(String(line?.['time']))
      jumps.push((time(server.logged('connection closed').at(-1)) - Date.now()) / 1000)
    }
    figures.near('the log shows the first jump', jumps.slice(0, 1), HOUR, 60, seconds)
    figures.near('the log shows the second jump', jumps.slice(1), -HOUR, 60, seconds)

    const { closed } = await server.scrape()
    figures.exactly(
      'closed for another reason',
      Object.keys(closed).filter((reason) => reason !== 'frame-timeout').length,
      0,
    )
    figures.exactly('quiet connections that live', await quiet.do('submitOnEach'), QUIET)
    await teardown(fixture, figures)
  },
  noFakeTime,
)
