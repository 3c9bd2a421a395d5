/**
 * Replaces the text between the two markers of a section of a document.
 *
 *     <!-- generated: peers -->
 *     …
 *     <!-- /generated: peers -->
 *
 * @throws if the document has no such section
 */
export function replaceSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- /generated: ${name} -->`]
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`the document has no section between ${begin} and ${end}`)
  return `${document.slice(0, from + begin.length)}\n${text.trim()}\n${document.slice(to)}`
}
