import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The soak begins first, so that the others can run beside it; they come in the order of their names. */
export class SoakFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => (moduleId.endsWith('soak.test.ts') ? '' : moduleId)
    return [...files].sort((a, b) => place(a).localeCompare(place(b)))
  }
}
