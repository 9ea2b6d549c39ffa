import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import wrapAnsi from 'wrap-ansi';
import { fold } from './fold.ts';

/** Spaces only between columns, so that tools can split and compare rows. */
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
/** The minimum width of the last column, which gets the remaining width. If less remains, it is printed below its row. */
const LEAST = 40;
const BELOW = 4;

/**
 * Formats rows in columns, under a header.
 * @param width the width of the terminal, to which the last column is folded, below its row if little space remains;
 * undefined: nothing is folded
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
  const left = width === undefined ? last : width - before - 1;
  if (width !== undefined && left < Math.min(last, LEAST))
    return withLastBelow(all, widths.slice(0, -1), width);
  const room = Math.min(last, left);
  // The library would truncate longer words.
  const folded = all.map((row) => [...row.slice(0, -1), wrapAnsi(row.at(-1) ?? '', room, { hard: true })]);
  return columns(folded, [...widths.slice(0, -1), room]);
}

/**
 * Formats rows with their last cell below them, folded.
 * @param widths the widths of the other columns
 */
function withLastBelow(
  all: readonly (readonly string[])[],
  widths: readonly number[],
  width: number,
): string {
  return all
    .flatMap((row) => {
      const below = (row.at(-1) ?? '').split('\n').filter((line) => line !== '');
      return [columns([row.slice(0, -1)], widths), ...below.map((line) => fold(line, width, BELOW))];
    })
    .join('\n');
}

function columns(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const made = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: widths.map((each) => Math.max(1, each)),
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  made.push(...rows.map((row) => widths.map((_, column) => row[column] ?? '')));
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
