const LINE_LENGTH = 120

/** A number with three digits: `215 k`, `1.58 M`, `20.7 M`. */
export function formatRate(rate: number): string {
  if (rate >= 1e6) return `${significant(rate / 1e6)} M`
  if (rate >= 1e3) return `${significant(rate / 1e3)} k`
  return significant(rate)
}

/** Wraps text at 120 characters. The lines after the first begin with `indent`. */
export function wrap(text: string, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line)
      line = indent + word
    } else line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
