import { DockerfileParser } from 'dockerfile-ast'
import { infra, readText } from './repository.ts'

/** One instruction: `COPY`, and its arguments. */
export interface Instruction {
  readonly keyword: string
  readonly text: string
  /** The words of a command in exec form; empty in shell form. */
  readonly command: readonly string[]
}

/** The stages of the Containerfile, each with its instructions, beginning with `FROM`. */
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
