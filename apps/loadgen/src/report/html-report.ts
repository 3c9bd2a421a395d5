import { createHash } from 'node:crypto'
import { describeLocation, locationsOf } from '../engine/options.ts'
import { showNumber, showTime } from '../units/format.ts'
import { reportData } from './columns.ts'
import type { RunDocument } from './document.ts'
import { charts } from './html-charts.ts'
import { facts } from './html-facts.ts'
import { latencies, repeats, slices, targets } from './html-latencies.ts'
import { tiles, verdict } from './html-verdict.ts'
import { embeddedJson, Markup, markup } from './markup.ts'
import type { PageAssets } from './page-assets.ts'

/**
 * The result as one self-contained HTML file. Its policy lets the browser run and load only the script and the style in
 * the file. Every figure is also text in a table.
 */
export function htmlReport(document: RunDocument, { script, style }: PageAssets): string {
  const { result } = document.shown
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const title = `${result.interrupted ? 'Interrupted: ' : ''}${showNumber(result.acksPerSecond)} acks/s, p99 ${showTime(result.latencyMs.p99)} · demo-loadgen`
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
${header(document)}
<main>
${verdict(document)}
${tiles(document)}
${charts(result)}
${latencies(document)}
${repeats(document)}
${targets(result)}
${facts(document)}
${slices(result)}
</main>
<footer>Made by demo-loadgen ${document.environment.loadgen}. Charts: drag to zoom in, double-click to zoom out, click a name to hide its line.</footer>
<script type="application/json" id="data">${embeddedJson(reportData(document.shown, document.options))}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.html
}

function header({ shown: { result }, startedAt, options }: RunDocument): Markup {
  const model =
    result.offeredRate === null
      ? 'closed model: each connection keeps its window full'
      : `open model: ${showNumber(result.offeredRate)} requests a second, whatever the server does`
  return markup`<header>
<h1>Load report</h1>
<p class="muted">${locationsOf(options).map(describeLocation).join(', ')} · <time datetime="${startedAt}">${startedAt.replace('T', ' ').slice(0, 19)} UTC</time> · ${model}</p>
</header>`
}

/** The hash of a script or a style in a Content-Security-Policy. */
function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
