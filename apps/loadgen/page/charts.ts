import uPlot from 'uplot'
import type { DistributionColumns, TimeColumns } from '../src/report/report-data.ts'
import { showCount, showMilliseconds, showPercentile, showRate, showSeconds } from './show.ts'

const HEIGHT = 260

/** The charts over time share their cursor. */
const cursor: uPlot.Cursor = { sync: { key: 'time' }, y: false, points: { size: 7 } }

/** A colour of the style sheet. It is read at each drawing, because it depends on light or dark mode. */
const color = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)

const FONT = '12px system-ui, sans-serif'

const axis = (show: (value: number) => string): uPlot.Axis => ({
  font: FONT,
  size: 30,
  stroke: color('muted'),
  grid: { stroke: color('grid'), width: 1 },
  ticks: { show: false },
  values: (_chart, values) => values.map((value) => (value === null ? '' : show(value))),
})

/** A vertical axis with a label. */
const labelled = (show: (value: number) => string, label: string): uPlot.Axis => ({
  ...axis(show),
  size: 64,
  label,
  labelSize: 20,
  labelFont: FONT,
})

/** An axis of whole numbers. */
const counted = (label: string): uPlot.Axis => ({
  ...labelled(showCount, label),
  incrs: Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((one) => one * 10 ** i)).flat(),
})

/** A single value between two gaps makes no line, so it is drawn as a point. */
const isolatedPoints: uPlot.Series.Points = {
  show: false,
  size: 6,
  filter: (chart, series) => {
    const values = chart.data[series] ?? []
    const there = (i: number) => values[i] !== null && values[i] !== undefined
    return Array.from(values, (_, i) => i).filter((i) => there(i) && !there(i - 1) && !there(i + 1))
  },
}

/** The colours of the lines by their labels. */
const colorNames = new Map<unknown, string>()

function line(label: string, name: string, show: (value: number) => string, more: uPlot.Series = {}): uPlot.Series {
  colorNames.set(label, name)
  return {
    label,
    stroke: color(name),
    width: 2,
    points: { ...isolatedPoints, fill: color(name) },
    value: (_chart, value) => (value === null || value === undefined ? '–' : show(value)),
    ...more,
  }
}

/** The marks of the legend are made once, so they refer to the variables of the style sheet. */
const legendOptions: uPlot.Legend = {
  markers: {
    stroke: (chart, series) => `var(--${colorNames.get(chart.series[series]?.label) ?? 'muted'})`,
    fill: () => 'transparent',
  },
}

const time: uPlot.Series = { label: 'Time', value: (_chart, value) => (value === null ? '–' : showSeconds(value)) }

function chart(place: HTMLElement, options: Omit<uPlot.Options, 'width' | 'height'>, data: uPlot.AlignedData): uPlot {
  return new uPlot(
    { width: place.clientWidth, height: HEIGHT, padding: [12, 28, 0, 0], legend: legendOptions, ...options },
    data,
    place,
  )
}

/** Marks the outages. */
function markOutages({ ctx, bbox, valToPos, scales }: uPlot, outages: TimeColumns['outages']): void {
  const { min = 0, max = 0 } = scales['x'] ?? {}
  ctx.save()
  ctx.fillStyle = color('bad-mark')()
  for (const [from, to] of outages) {
    if (to < min || from > max) continue
    const left = Math.max(bbox.left, valToPos(from, 'x', true))
    const right = Math.min(bbox.left + bbox.width, valToPos(to, 'x', true))
    // At least two pixels wide, to be visible.
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height)
  }
  ctx.restore()
}

function overTime(
  place: HTMLElement,
  { seconds, outages }: TimeColumns,
  lines: readonly uPlot.Series[],
  y: uPlot.Axis,
  scale: uPlot.Scale,
  columns: readonly (readonly (number | null)[])[],
): uPlot {
  return chart(
    place,
    {
      cursor,
      scales: { x: { time: false }, y: scale },
      axes: [axis(showSeconds), y],
      series: [time, ...lines],
      hooks: { drawClear: [(drawn) => markOutages(drawn, outages)] },
    },
    [seconds, ...columns] as uPlot.AlignedData,
  )
}

/** From 0, with space above. */
const fromZero: uPlot.Scale = { range: (_chart, _min, max) => [0, max > 0 ? max * 1.08 : 1] }

export function throughputChart(place: HTMLElement, data: TimeColumns): uPlot {
  const lines = [line('Acks/s', 'series-1', showRate, { fill: color('series-1-fill') })]
  const columns: (readonly (number | null)[])[] = [data.acks]
  if (data.offered !== null) {
    lines.push(line('Offered', 'series-4', showRate, { dash: [6, 4], width: 1.5 }))
    columns.push(data.offered)
  }
  return overTime(place, data, lines, labelled(showRate, 'acks a second'), fromZero, columns)
}

/** On a logarithmic scale, so that both the tail and the median are readable. */
export function latencyChart(place: HTMLElement, data: TimeColumns): uPlot {
  return overTime(
    place,
    data,
    [
      line('p50', 'series-1', showMilliseconds),
      line('p99', 'series-2', showMilliseconds),
      line('p99.9', 'series-3', showMilliseconds),
      line('Max', 'series-4', showMilliseconds, { width: 1, dash: [3, 3] }),
    ],
    { ...labelled(showMilliseconds, 'response time'), ...onlyDecades },
    { distr: 3, log: 10 },
    [data.p50, data.p99, data.p999, data.max],
  )
}

/** Labels at 1, 2 and 5 of each decade; with more than three decades, at 1 only. */
const onlyDecades: Pick<uPlot.Axis, 'filter'> = {
  filter: (chart, splits) => {
    const { min = 1, max = 1 } = chart.scales['y'] ?? {}
    const leading = max / min > 1000 ? [1] : [1, 2, 5]
    return splits.map((value) =>
      leading.includes(Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9))) ? value : null,
    )
  },
}

/** As in HdrHistogram's plotter: each step to the right is ten times as rare. */
export function distributionChart(place: HTMLElement, data: DistributionColumns): uPlot {
  const last = data.reciprocal.at(-1) ?? 1
  const decades = Array.from({ length: Math.floor(Math.log10(last) + 1e-9) + 1 }, (_, i) => 10 ** i)
  const lines = [line('Response time', 'series-2', showMilliseconds, { fill: color('series-2-fill') })]
  const columns = [data.response]
  if (data.service !== null) {
    lines.push(line('Service time', 'series-1', showMilliseconds))
    columns.push(data.service)
  }
  return chart(
    place,
    {
      cursor: { y: false, points: { size: 7 } },
      scales: {
        x: { time: false, distr: 3, log: 10, range: () => [1, Math.max(10, last)] },
        y: fromZero,
      },
      axes: [
        { ...axis(showPercentile), splits: () => decades, filter: (_chart, splits) => splits },
        labelled(showMilliseconds, 'time'),
      ],
      series: [
        { label: 'Percentile', value: (_chart, value) => (value === null ? '–' : showPercentile(value)) },
        ...lines,
      ],
    },
    [data.reciprocal, ...columns] as uPlot.AlignedData,
  )
}

export function inFlightChart(place: HTMLElement, data: TimeColumns): uPlot {
  const lines = [line('In flight', 'series-3', showCount, { fill: color('series-3-fill') })]
  const columns = [data.inFlight]
  if (data.unsent !== null) {
    lines.push(line('Due and not sent', 'bad', showCount, { dash: [6, 4], width: 1.5 }))
    columns.push(data.unsent)
  }
  return overTime(place, data, lines, counted('requests'), fromZero, columns)
}

export function failureChart(place: HTMLElement, data: TimeColumns): uPlot {
  const bars = uPlot.paths.bars?.({ size: [0.9, 40] })
  const paths = bars === undefined ? {} : { paths: bars }
  const lines = [
    line('Failed', 'series-4', showCount, { ...paths, fill: color('series-4') }),
    line('Late', 'series-2', showCount, { ...paths, fill: color('series-2') }),
    line('Connections lost', 'bad', showCount, { ...paths, fill: color('bad') }),
    line('Connections down', 'bad', showCount, { width: 1.5, dash: [6, 4] }),
  ]
  const columns = [data.failedAcks, data.late, data.connectionsLost, data.connectionsDown]
  return overTime(place, data, lines, counted('requests, connections'), fromZero, columns)
}
