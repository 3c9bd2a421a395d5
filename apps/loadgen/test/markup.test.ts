import { expect, it } from 'vitest'
import { embeddedJson, Markup, markup } from '../src/report/markup.ts'

const EVIL = `</script><img src=x onerror="f('a')">&amp;`
const HARMLESS = '&lt;/script&gt;&lt;img src=x onerror=&quot;f(&#39;a&#39;)&quot;&gt;&amp;amp;'

it('escapes what is put into a template, alone and in lists', () => {
  expect(markup`<p title="${EVIL}">${EVIL}</p>`.html).toBe(`<p title="${HARMLESS}">${HARMLESS}</p>`)
  expect(markup`${[EVIL, markup`<b>${EVIL}</b>`]}`.html).toBe(`${HARMLESS}<b>${HARMLESS}</b>`)
})

it('takes markup as it is', () => {
  expect(markup`<p>${markup`<b>${7}</b>`}${new Markup('<i></i>')}</p>`.html).toBe('<p><b>7</b><i></i></p>')
})

it('embeds JSON that can not end its script, and is read back as it was', () => {
  const value = { [EVIL]: [EVIL, '<!--', '\u2028'] }
  const { html } = embeddedJson(value)
  expect(html).not.toContain('<')
  expect(JSON.parse(html)).toEqual(value)
})
