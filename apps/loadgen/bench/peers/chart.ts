/** A bar with a label at its end. */
export interface Bar {
  readonly name: string
  readonly value: number
  /** The label at the end of the bar. */
  readonly label: string
  readonly highlighted: boolean
}

/** Bars with a common scale, from zero to the longest. */
export interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

const COLUMNS = 2
const WIDTH = 1000
const PANEL_WIDTH = WIDTH / COLUMNS
const MARGIN = 24
const NAME_WIDTH = 150
const LABEL_WIDTH = 112
const BAR_ROOM = PANEL_WIDTH - 2 * MARGIN - NAME_WIDTH - LABEL_WIDTH
const TITLE_HEIGHT = 38
const BAR_STEP = 25
const BAR_HEIGHT = 15
const HEAD_HEIGHT = 64

/** An SVG chart with two columns of panels. It follows the light or dark setting of the system. */
export function drawChart(title: string, subtitle: string, panels: readonly Panel[]): string {
  const heights: number[] = []
  for (let i = 0; i < panels.length; i += COLUMNS) {
    const most = Math.max(...panels.slice(i, i + COLUMNS).map(({ bars }) => bars.length))
    heights.push(TITLE_HEIGHT + most * BAR_STEP + MARGIN)
  }
  const height = HEAD_HEIGHT + heights.reduce((sum, each) => sum + each, 0)
  const drawn = panels.map((panel, i) => {
    const line = Math.floor(i / COLUMNS)
    const top = HEAD_HEIGHT + heights.slice(0, line).reduce((sum, each) => sum + each, 0)
    return drawPanel(panel, (i % COLUMNS) * PANEL_WIDTH + MARGIN, top)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" role="img" aria-label="${escaped(title)}">
  <style>
    .page { fill: #ffffff }
    text { fill: #1f2328 }
    .quiet { fill: #59636e }
    .bar { fill: #b6c2cf }
    .ours { fill: #0969da }
    .track { fill: #f0f3f6 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      text { fill: #f0f6fc }
      .quiet { fill: #9198a1 }
      .bar { fill: #4a5562 }
      .ours { fill: #4493f8 }
      .track { fill: #161b22 }
    }
  </style>
  <rect class="page" width="${WIDTH}" height="${height}" rx="6"/>
  <text x="${MARGIN}" y="30" font-size="17" font-weight="600">${escaped(title)}</text>
  <text x="${MARGIN}" y="50" class="quiet">${escaped(subtitle)}</text>
${drawn.join('\n')}
</svg>
`
}

function drawPanel({ title, bars }: Panel, left: number, top: number): string {
  const longest = Math.max(...bars.map(({ value }) => value), 1)
  const lines = bars.map(({ name, value, label, highlighted }, i) => {
    const y = top + TITLE_HEIGHT + i * BAR_STEP
    const base = y + BAR_HEIGHT - 3
    const x = left + NAME_WIDTH
    const length = Math.max((value / longest) * BAR_ROOM, value > 0 ? 1.5 : 0)
    const weight = highlighted ? ' font-weight="600"' : ''
    return `  <text x="${x - 10}" y="${base}" text-anchor="end"${weight}>${escaped(name)}</text>
  <rect class="track" x="${x}" y="${y}" width="${BAR_ROOM}" height="${BAR_HEIGHT}" rx="2"/>
  <rect class="${highlighted ? 'ours' : 'bar'}" x="${x}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>
  <text x="${x + BAR_ROOM + 8}" y="${base}"${weight}>${escaped(label)}</text>`
  })
  return `  <text x="${left}" y="${top + 24}" font-size="14" font-weight="600">${escaped(title)}</text>\n${lines.join('\n')}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
