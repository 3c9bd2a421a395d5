/**
 * Runs each step from the naive server to `demo-server`, measures and profiles it, prints the table, and writes it into
 * docs/performance.md: `pnpm bench:steps`, about two minutes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FLOOR } from '../peers/catalogue.ts'
import type { MeasuringOptions } from '../peers/flags.ts'
import { gatherSamples } from '../peers/gather.ts'
import { runBench } from '../peers/run-bench.ts'
import { replaceSection } from '../peers/section.ts'
import { profileStep } from './profile-step.ts'
import { ALL_STEPS, drawSteps, profileTable, stepTable } from './report.ts'

await runBench(
  'bench:steps',
  'Measures and profiles the steps from the naive server to demo-server, and writes docs/performance.md.',
  '1,8,64,1000',
  measureAndWrite,
)

async function measureAndWrite(flags: MeasuringOptions) {
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
