/**
 * Runs each step from the naive server to `demo-server`, measures and profiles it, prints the table, and writes it into
 * docs/performance.md: `pnpm bench:steps`, about two minutes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addFlags, Command, ExitStatus, parseCommandLine, runProgram, type Values } from '@demo/cli'
import { FLOOR } from '../peers/catalogue.ts'
import { measuringFlags } from '../peers/flags.ts'
import { gatherSamples } from '../peers/gather.ts'
import { replaceSection } from '../peers/section.ts'
import { profileStep } from './profile-step.ts'
import { ALL_STEPS, drawSteps, profileTable, stepTable } from './report.ts'

const FLAGS = measuringFlags('3', '1,8,64,1000')

await runProgram('bench:steps', async () => {
  const program = new Command('bench:steps')
    .description(
      'Measures and profiles the steps from the naive server to demo-server, and writes docs/performance.md.',
    )
    .action(() => measureAndWrite(program.opts<Values<typeof FLAGS>>()))
  addFlags(program, 'DEMO_BENCH', FLAGS)
  await parseCommandLine(program, process.argv)
  return ExitStatus.ok
})

async function measureAndWrite(flags: Values<typeof FLAGS>) {
  const { windows: rows, docs } = flags
  const { load, samples } = await gatherSamples([...ALL_STEPS, FLOOR], flags)
  const figures = stepTable(samples, rows)
  process.stdout.write(`${figures}\n`)

  const file = join(docs, 'performance.md')
  let document = replaceSection(readFileSync(file, 'utf8'), 'steps', figures)
  for (const step of ALL_STEPS) {
    process.stderr.write(`the profile of ${step.name}\n`)
    const profile = profileTable(await profileStep(load, step, flags))
    process.stdout.write(`\n${step.name}\n${profile}\n`)
    document = replaceSection(document, `profile of ${step.id}`, profile)
  }
  mkdirSync(join(docs, 'images'), { recursive: true })
  writeFileSync(join(docs, 'images/steps.svg'), drawSteps(samples, rows))
  writeFileSync(file, document)
  process.stdout.write(`\nwritten: ${file}, ${join(docs, 'images/steps.svg')}\n`)
}
