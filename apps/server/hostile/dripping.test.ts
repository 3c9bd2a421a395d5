import type * as Crowd from './attacks/crowd.ts'
import { startAttacker } from './stage/attacker.ts'
import { seconds } from './stage/figures.ts'
import { row } from './stage/row.ts'
import { startGuardedServer, TOKEN } from './stage/special-servers.ts'
import { type Stage, setStage, stageOf, strikeStage } from './stage/stage.ts'

const DRIPPERS = 2000
const LIMIT = 4

const PLACES = [
  {
    where: 'before Conn',
    reason: 'handshake-timeout',
    // A frame of 64 bytes, the beginning of a Conn.
    sends: '0000004001',
    stage: () => stageOf(startGuardedServer(['--handshake-timeout', `${LIMIT}s`]), { credentials: TOKEN }),
  },
  {
    where: 'inside a frame',
    reason: 'frame-timeout',
    sends: '0000004002',
    stage: () => setStage(['--frame-timeout', `${LIMIT}s`]),
  },
] as const

for (const { where, reason, sends, stage: start } of PLACES) {
  row(4, `2,000 that drip one byte a second, ${where}`, async (figures) => {
    const stage: Stage = await start()
    const { server } = stage
    const crowd = startAttacker<typeof Crowd>('crowd')
    await crowd.do('come', { port: server.port, connections: DRIPPERS, sends })
    const { lifetimes } = await crowd.do('dripUntilEnded', 15_000)
    figures.exactly('closed', lifetimes.length, DRIPPERS)
    figures.near('after', lifetimes, LIMIT, 1, seconds)
    await crowd.do('leave')
    figures.exactly(`as ${reason}`, (await server.scrape()).closed[reason] ?? 0, DRIPPERS)
    await strikeStage(stage, figures)
  })
}
