#!/usr/bin/env node
// Counts the tests of the last run in CI from the reports of vitest: of `npm test` and of `npm run test:hostile`. Fails if a
// report is missing or a test was skipped: CI has every program that tests need.
import { readFileSync } from 'node:fs'

const REPORTS = ['.vitest-report.json', '.vitest-hostile-report.json']

const count = { passed: 0, failed: 0, skipped: 0 }
let complete = true

for (const name of REPORTS) {
  const report = read(name)
  if (report === undefined) {
    console.log(`missing node_modules/${name}: its tests did not run`)
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
