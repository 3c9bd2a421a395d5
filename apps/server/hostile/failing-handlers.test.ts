import type * as Wishes from './attacks/wishes.ts'
import { startAttacker } from './stage/attacker.ts'
import { row } from './stage/row.ts'
import { startHandlerServer } from './stage/special-servers.ts'
import { stageOf, strikeStage } from './stage/stage.ts'

const SEED = Number(process.env['HOSTILE_SEED'])
const CONNECTIONS = 10
const SUBMITS = 10_000
const PATIENCE = 15_000

row(11, '10,000 submits of which a tenth throw, reject, or never settle', async (figures) => {
  const stage = await stageOf(startHandlerServer('failing', ['--handler-timeout', '1s']))
  const { server } = stage
  const wishers = startAttacker<typeof Wishes>('wishes')
  const result = await wishers.do('submitWishes', server.port, CONNECTIONS, SUBMITS / CONNECTIONS, SEED, PATIENCE)
  figures.exactly('answered exactly once', result.answeredOnce, SUBMITS)
  figures.exactly('answered twice', result.answeredTwice, 0)
  figures.exactly('answered otherwise than they deserve', result.otherwise, 0)
  figures.tell('to be answered with failure', result.toFail.toLocaleString('en-US'))
  // Each handler that fails is told once.
  await strikeStage(stage, figures, result.toFail)
})
