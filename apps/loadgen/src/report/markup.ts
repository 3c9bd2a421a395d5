/** HTML that needs no escaping. */
export class Markup {
  readonly html: string

  constructor(html: string) {
    this.html = html
  }

  toString(): string {
    return this.html
  }
}

type Part = Markup | string | number | readonly (Markup | string)[]

/** An HTML template. Text in it is escaped, {@link Markup} is not. Lists are concatenated. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.reduce((html, text, i) => html + show(parts[i - 1]) + text))
}

function show(part: Part | undefined): string {
  if (part instanceof Markup) return part.html
  if (typeof part === 'object') return part.map(show).join('')
  return escapeText(String(part))
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES.get(character) ?? '')
}

/** JSON for a `<script type="application/json">`. No text in it can end the script. */
export function embeddedJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'))
}
