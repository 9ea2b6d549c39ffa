import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

/** Spaces alone between the columns, so that rows can be cut and compared. */
const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
const GAP = NO_LINES.middle.length;
/** Least width of the last column, which takes what the others leave. */
const LEAST = 24;

/**
 * Rows under a head, in columns.
 * @param width columns of the terminal, into which the last column is folded; undefined: nothing is folded
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column] ?? ''))));
  const last = widths.at(-1) ?? 0;
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP, 0);
  const room = width === undefined ? last : Math.min(last, Math.max(LEAST, width - before - 1));
  const made = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...widths.slice(0, -1), room].map((each) => Math.max(1, each)),
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  made.push(...all.map((row) => head.map((_, column) => row[column] ?? '')));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function lengthOf(text: string): number {
  return Math.max(
    0,
    ...stripVTControlCharacters(text)
      .split('\n')
      .map(({ length }) => length),
  );
}
