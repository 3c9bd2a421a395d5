#!/usr/bin/env node
// Counts the tests of the last run in CI from vitest's report. A skipped test fails here: CI has all that tests need.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(new URL('../node_modules/.vitest-report.json', import.meta.url), 'utf8'))
const { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: todo } = report
const skipped = pending + todo
for (const { assertionResults } of report.testResults) {
  for (const { status, fullName } of assertionResults) {
    if (status !== 'passed') console.log(`${status}: ${fullName}`)
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
if (failed > 0 || skipped > 0 || passed === 0 || !report.success) process.exitCode = 1
