import { DEMO_SERVER, FLOOR, type Peer } from './catalogue.ts'
import { formatRate } from './format.ts'
import { nameOf, type Row } from './row.ts'
import { type Cell, cellOf, type Sample } from './sample.ts'

/** Smaller differences are noise. */
const NOISE = 0.05

/** Acks a second of each peer under each load, with the ratio to the floor. */
export function rateTable(samples: readonly Sample[], peers: readonly Peer[], rows: readonly Row[]): string {
  const lines = peers.map((peer) => {
    const cells = rows.map((row) => cellOf(samples, peer.id, row, FLOOR.id))
    const cores = Math.max(...cells.map((cell) => cell?.cores ?? Number.NaN).filter((each) => !Number.isNaN(each)))
    const name = peer === DEMO_SERVER ? `**${peer.name}**` : peer.name
    return [name, ...cells.map(describeCell), Number.isFinite(cores) ? cores.toFixed(1) : '–']
  })
  return table([['', ...rows.map(nameOf), 'cores, at most'], ...lines])
}

/** The peers that are faster than demo-server, and by how much, and the others. */
export function standingTable(samples: readonly Sample[], peers: readonly Peer[], rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const others = peers
      .filter((peer) => peer !== DEMO_SERVER)
      .flatMap((peer) => {
        const cell = cellOf(samples, peer.id, row, DEMO_SERVER.id)
        return cell === undefined ? [] : [{ peer, ...cell }]
      })
      .sort((a, b) => b.ratio - a.ratio)
    const list = (which: (ratio: number) => boolean) =>
      others
        .filter(({ ratio }) => which(ratio))
        .map(({ peer, ratio }) => `${peer.name}${ratio === 0 ? '' : ` ${ratio.toFixed(2)} ×`}`)
        .join('; ') || '–'
    return [
      nameOf(row),
      list((ratio) => ratio > 1 + NOISE),
      list((ratio) => ratio <= 1 + NOISE && ratio >= 1 - NOISE),
      list((ratio) => ratio < 1 - NOISE),
    ]
  })
  return table([['', 'faster than we: we lose', 'as fast, within 5 %', 'slower'], ...lines])
}

/** The cell of a peer that was not measured or did not answer. */
export function describeCell(cell: Cell | undefined): string {
  if (cell === undefined) return '–'
  if (cell.acksPerSecond === 0) return 'never answers'
  return `${formatRate(cell.acksPerSecond)} (${cell.ratio.toFixed(2)})${cell.lost ? ' †' : ''}`
}

/** A table in Markdown; the first line is its head. */
export function table([head = [], ...lines]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...lines.map(line)].join('\n')
}
