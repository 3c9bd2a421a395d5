import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine } from '../test/demo-server.ts'
import { startDemoServer } from '../test/demo-server.ts'
import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { stageOf, strikeStage, timeUntil } from './stage/stage.ts'
import { noFakeTime, WallClock } from './stage/wall-clock.ts'

const HOUR = 3600
const QUIET = 100
const DRIPPING = 50
const LIMIT = 4

row(
  15,
  'the wall clock jumps an hour ahead, and two back',
  async (figures) => {
    const clock = new WallClock()
    const flags = ['--frame-timeout', `${LIMIT}s`, '--idle-timeout', '1m']
    const stage = await stageOf(startDemoServer(flags, { environment: clock.environment }))
    const { server } = stage
    const quiet = startAttacker<typeof Crowd>('crowd')
    await quiet.do('come', { port: server.port, connections: QUIET })

    const jumps: number[] = []
    for (const offset of [HOUR, -HOUR]) {
      const dripping = startAttacker<typeof Crowd>('crowd')
      await dripping.do('come', { port: server.port, connections: DRIPPING, sends: '00000040' })
      // In the middle of their frames' time.
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
    await strikeStage(stage, figures)
  },
  noFakeTime,
)
