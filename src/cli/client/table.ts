// Answers for people: columns that stand under each other, numbers to the right.

/** One column: its head, the cells, and where they stand. */
export interface Column<T> {
  readonly head: string
  readonly cell: (row: T) => string | number | undefined
  readonly isRight?: boolean
}

/** Lines, the first of them the heads. */
export function tableOf<T>(columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => String(cell(row) ?? '')))
  const heads = columns.map(({ head }) => head)
  const widths = heads.map((head, n) => Math.max(head.length, ...cells.map((row) => row[n].length)))
  return [heads, ...cells].map((row) => lineOf(columns, row, widths))
}

/** A line for a table that goes on: cells as wide as `widths`, or wider. */
export function lineOf<T>(
  columns: readonly Column<T>[],
  cells: readonly string[],
  widths: readonly number[],
): string {
  return cells
    .map((cell, n) => (columns[n].isRight ? cell.padStart(widths[n]) : cell.padEnd(widths[n])))
    .join('  ')
    .trimEnd()
}
