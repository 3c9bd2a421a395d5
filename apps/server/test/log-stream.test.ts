import { expect, test } from 'vitest'
import { LogStream } from '../src/logging/log-stream.ts'
import type { Sink } from '../src/logging/sink.ts'

const MEBIBYTE = 1024 * 1024

/** A sink whose reader is controlled by the test. */
class SlowSink implements Sink {
  writableLength = 0
  readonly lines: string[] = []

  write(line: string): void {
    this.lines.push(line)
    this.writableLength += line.length
  }
}

test('a log is written at once', () => {
  const sink = new SlowSink()
  const stream = new LogStream(sink)
  stream.write('one\n')
  stream.write('two\n')
  expect(sink.lines).toEqual(['one\n', 'two\n'])
})

test('without a reader 16 MiB are kept, then lines are left out and counted until half is taken', () => {
  const sink = new SlowSink()
  const stream = new LogStream(sink)
  const reported: number[] = []
  stream.onRoom = (leftOut) => reported.push(leftOut)
  const line = 'x'.repeat(MEBIBYTE)
  for (let n = 0; n < 20; n++) stream.write(line)
  expect(sink.lines).toHaveLength(17)

  sink.writableLength = 9 * MEBIBYTE
  stream.write('still left out\n')
  sink.writableLength = 7 * MEBIBYTE
  stream.write('taken\n')
  expect(sink.lines.slice(17)).toEqual(['taken\n'])
  expect(reported).toEqual([4])

  stream.write('and the next\n')
  expect(reported).toEqual([4])
})
