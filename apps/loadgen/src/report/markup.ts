/** HTML that may be put into a page as it is. */
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

/** A template of HTML. What is put into it is text and escaped, unless it is {@link Markup}; lists stand one after the other. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.reduce((html, text, i) => html + show(parts[i - 1]) + text))
}

function show(part: Part | undefined): string {
  if (part instanceof Markup) return part.html
  if (typeof part === 'object') return part.map(show).join('')
  return escapeText(String(part))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character])
}

/** Data inside a `<script type="application/json">`: no text in it can end the script. */
export function embeddedJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'))
}
