#!/usr/bin/env node
// Counts the tests of the last run in CI from vitest's reports: those of `npm test` and of `npm run test:hostile`. Both
// must be there, and a skipped test fails here: CI has all that tests need.
import { readFileSync } from 'node:fs'

const REPORTS = ['.vitest-report.json', '.vitest-hostile-report.json']

const count = { passed: 0, failed: 0, skipped: 0 }
let complete = true

for (const name of REPORTS) {
  const report = read(name)
  if (report === undefined) {
    console.log(`node_modules/${name} is not there: its tests did not run`)
    complete = false
    continue
  }
  count.passed += report.numPassedTests
  count.failed += report.numFailedTests
  count.skipped += report.numPendingTests + report.numTodoTests
  if (!report.success || report.numPassedTests === 0) complete = false
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status !== 'passed') console.log(`${status}: ${fullName}`)
    }
  }
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
if (!complete || count.failed > 0 || count.skipped > 0) process.exitCode = 1

function read(name) {
  try {
    return JSON.parse(readFileSync(new URL(`../node_modules/${name}`, import.meta.url), 'utf8'))
  } catch {
    return undefined
  }
}
