import { DockerfileParser } from 'dockerfile-ast'
import { infra, readText } from './repository.ts'

/** One instruction: `COPY`, and what stands behind it. */
export interface Instruction {
  readonly keyword: string
  readonly text: string
  /** The words of a command in its exec form; empty when there is none. */
  readonly command: readonly string[]
}

/** The stages of the image's file, each with its instructions, `FROM` the first. */
export function readStages(): Instruction[][] {
  const stages: Instruction[][] = []
  for (const parsed of DockerfileParser.parse(readText(infra('Containerfile'))).getInstructions()) {
    const keyword = parsed.getKeyword()
    if (keyword === 'FROM') stages.push([])
    const text = parsed.getArgumentsContent() ?? ''
    const [words] = /\[".*"\]$/.exec(text) ?? []
    const command = words === undefined ? [] : (JSON.parse(words) as string[])
    stages.at(-1)?.push({ keyword, text, command })
  }
  return stages
}
