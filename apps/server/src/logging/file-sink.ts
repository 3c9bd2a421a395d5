import { write, writeSync } from 'node:fs'
import type { Sink } from './sink.ts'

/**
 * Writes lines to a file in the background, in order. When the disk is full, lines are lost and counted, and the next ones
 * are tried.
 */
export class FileSink implements Sink {
  readonly #fd: number
  #waiting: string[] = []
  writableLength = 0
  onRecovered: (lost: number) => void = () => {}
  #lost = 0
  #writing = false
  /** Whether the last write ended inside a line. */
  #torn = false

  constructor(fd: number) {
    this.#fd = fd
    // process.exit() does not wait for writes in the background.
    process.on('exit', () => this.#writeRest())
  }

  write(line: string): void {
    this.#waiting.push(line)
    this.writableLength += line.length
    if (!this.#writing) this.#next()
  }

  #next(): void {
    const lines = this.#waiting
    if (lines.length === 0) return
    this.#waiting = []
    this.#writing = true
    const text = this.#take(lines)
    this.#write(Buffer.from(text), 0, (failed) => {
      this.#writing = false
      this.writableLength -= lines.reduce((sum, { length }) => sum + length, 0)
      if (failed) this.#lost += lines.length
      else if (this.#lost > 0) this.#recover()
      this.#next()
    })
  }

  #recover(): void {
    const lost = this.#lost
    this.#lost = 0
    this.onRecovered(lost)
  }

  #take(lines: readonly string[]): string {
    const text = `${this.#torn ? '\n' : ''}${lines.join('')}`
    this.#torn = false
    return text
  }

  #write(bytes: Buffer, from: number, done: (failed: boolean) => void): void {
    write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null) {
        this.#torn = from > 0
        done(true)
      } else if (from + written < bytes.length) this.#write(bytes, from + written, done)
      else done(false)
    })
  }

  #writeRest(): void {
    try {
      writeSync(this.#fd, this.#take(this.#waiting))
    } catch {
      // The disk is full, and the process ends: there is no place to report it.
    }
  }
}
