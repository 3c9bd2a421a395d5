const LINE_LENGTH = 120

/** `215 k`, `1.58 M`, `20.7 M`: three figures, whatever the size. */
export function formatRate(rate: number): string {
  if (rate >= 1e6) return `${significant(rate / 1e6)} M`
  if (rate >= 1e3) return `${significant(rate / 1e3)} k`
  return significant(rate)
}

/** Text in lines of at most 120 characters, as the documents have it; those after the first begin with `indent`. */
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
